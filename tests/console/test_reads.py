"""A page is read from one snapshot by a fixed number of statements, however much it tells of, on both databases."""

import re
from datetime import timedelta

from flask.testing import FlaskClient

from governance.alerts import Evidence, Finding
from governance.audit.event import Authority, Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, Purpose, Severity, SubjectType
from tests.console.reads import Asked, counted
from tests.worlds.console import BIRMINGHAM, COVENTRY, Seeded

USES = (1, 60, 2_000)  # of one patient's images, each under a decision and a token of its own
EVENTS = (1, 60, 1_000)  # that an alert rests on
SIGN_IN = (2, 5)  # snapshots and statements on who is looking: session, in whose names, standing; account, its issuer
CEILINGS = {  # snapshots and statements beside those
    **{f"alert of {events}": (1, 9) for events in EVENTS},
    **{f"timeline of {uses}": (1, 4) for uses in USES},
    "agreement": (1, 6),
    "agreements": (1, 4),
    "alerts": (1, 4),
    "close": (1, 4),
    "decision": (1, 8),
    "event": (2, 10),  # the second snapshot is its proof's: one statement for the checkpoint, one a tile
    "home": (1, 14),
    "impact": (1, 4),
    "notices": (1, 4),
    "patients": (1, 1),
    "reasons": (1, 2),
    "suppression": (1, 4),
    "suppressions": (1, 3),
    "unmask": (1, 4),
}


def test_a_page_asks_a_fixed_number_of_questions_of_one_snapshot(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    pages = {
        "agreement": "agreements/two-trusts",
        "agreements": "agreements",
        "alerts": "alerts?state=all",
        "close": f"alerts/{seeded.alert}/close",
        "decision": "decisions/decision-0001",
        "event": f"events/{seeded.access_index}",
        "home": "",
        "impact": "agreements/two-trusts/impact",
        "notices": "notices?review=all",
        "patients": "patients",
        "reasons": "reasons",
        "suppression": f"suppressions/{seeded.suppression}",
        "suppressions": "suppressions?held=all",
        "unmask": f"alerts/{seeded.alert}/unmask",
    }
    for number, uses in enumerate(USES):
        nhs_number = f"99900001{number:02}"
        indexes = _used(services, nhs_number, uses)
        alert = _raised(services, number, indexes[: EVENTS[number]])
        pages[f"alert of {EVENTS[number]}"] = f"alerts/{alert}"
        pages[f"timeline of {uses}"] = f"patients/{services.infrastructure.pseudonymiser.patient(nhs_number)}"
    for path in pages.values():  # the first look at a form keeps its token in the session, which is a write
        assert officer.get(f"/console/{path}").status_code == 200, path
    asked = {name: _asked(services.infrastructure.database, officer, path) for name, path in pages.items()}
    assert {name: one.sign_in for name, one in asked.items() if _size(one.sign_in) != SIGN_IN} == {}
    above = {name: one.page for name, one in asked.items() if any(_above(_size(one.page), CEILINGS[name]))}
    assert {name: [len(one) for one in parts] for name, parts in above.items()} == {}
    assert any("audit_head" in part for part in asked["home"].page[0]), "a prepared statement was not counted"
    assert {_size(asked[f"alert of {events}"].page) for events in EVENTS} == {CEILINGS["alert of 1"]}


def test_the_counted_pages_tell_what_they_are_about(services: Services, seeded: Seeded, officer: FlaskClient) -> None:
    indexes = _used(services, "9990000190", 60)
    alert = officer.get(f"/console/alerts/{_raised(services, 9, indexes)}").get_data(as_text=True)
    assert _rows(alert) == sorted(indexes, reverse=True)[:25]
    assert "35 older events of this alert concern your trust too and are not shown." in alert
    patient = services.infrastructure.pseudonymiser.patient("9990000190")
    first = officer.get(f"/console/patients/{patient}").get_data(as_text=True)
    assert _rows(first) == sorted(indexes, reverse=True)[:25]
    assert f"before={indexes[-25]}" in first
    assert "University Hospitals Coventry and Warwickshire" in first


def _used(services: Services, nhs_number: str, uses: int) -> list[int]:
    """Record uses of a patient's images, each with its decision and its token; gives the indexes of the uses."""
    now, service = services.infrastructure.clock.now(), Source("imaging-governance", COVENTRY)
    subject = Subject("clinician-7731", SubjectType.PRACTITIONER, "clinician", COVENTRY)
    resource = Resource(patient=nhs_number, study_uid="1.2.3", modality="CT", custodian=BIRMINGHAM)
    kinds = {EventKind.DECISION: service, EventKind.TOKEN: service, EventKind.ACCESS: Source("pacs", BIRMINGHAM)}
    events = [
        Event(
            id=f"{kind}-{nhs_number}-{number}",
            time=now - timedelta(minutes=number),
            source=source,
            kind=kind,
            outcome=Outcome.SUCCESS,
            subject=subject,
            purpose=Purpose.TREAT,
            resource=resource,
            authority=Authority(f"d-{nhs_number}-{number}", f"t-{nhs_number}-{number}", "two-trusts"),
        )
        for number in range(uses)
        for kind, source in kinds.items()
    ]
    receipts = services.infrastructure.audit.append(events)
    return [receipt.index for event, receipt in zip(events, receipts, strict=True) if event.kind is EventKind.ACCESS]


def _raised(services: Services, number: int, indexes: list[int]) -> str:
    """Raise one alert that rests on recorded uses and names the decision and the token of each."""
    events = [services.infrastructure.audit.entry(index) for index in indexes]
    patient = events[0].resource.patient if events[0].resource else None
    finding = Finding(
        rule_id="self_access",
        family="self_access",
        severity=Severity.HIGH,
        subject=f"s-{number}",
        about=patient,
        occurred_at=services.infrastructure.clock.now(),
        evidence=(Evidence("self_access", 1, 0, 0, None, "Somebody opened a study of their own record."),),
        events=tuple(indexes),
        patient=patient,
        subjects=(f"s-{number}",),
        trusts=(BIRMINGHAM,),
        agreement_ids=("two-trusts",),
        decision_ids=tuple(event.authority.decision_id or "" for event in events),
        token_jtis=tuple(event.authority.token_jti or "" for event in events),
    )
    with services.infrastructure.database.transaction() as session:
        (raised,) = services.uses.alerts.raise_findings(session, [finding])
    return raised.alert


def _asked(database: Database, officer: FlaskClient, path: str) -> Asked:
    with counted(database) as asked:
        assert officer.get(f"/console/{path}").status_code == 200
    return asked


def _size(snapshots: list[list[str]]) -> tuple[int, int]:
    return len(snapshots), sum(len(statements) for statements in snapshots)


def _above(size: tuple[int, int], ceiling: tuple[int, int]) -> tuple[bool, bool]:
    return size[0] > ceiling[0], size[1] > ceiling[1]


def _rows(page: str) -> list[int]:
    """Give the indexes of the events in the page's table, in their order."""
    table = page[page.index("<table") :]
    return [int(index) for index in re.findall(r'href="/console/events/(\d+)"', table)]
