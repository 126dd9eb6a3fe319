"""A page says "none" only when all was looked at, and a link leads to what its row is about, on both databases."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from governance.alerts import Evidence, Finding
from governance.audit.checker.verify_entry import verify
from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Source, Subject
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.vocabulary import SYSTEM, EventKind, Outcome, Purpose, Severity, SubjectType
from tests.console.conftest import signed_in_officer
from tests.worlds.agreements import document
from tests.worlds.console import BIRMINGHAM, COVENTRY, OFFICE, Seeded

PATIENT = "9990000190"
REASON = "Arrest call in resus, nobody else could open the scan"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)  # replaced by the clock's when recorded


def test_the_timeline_shows_a_use_behind_thousands_of_other_events(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    (index,) = _record(services, _use(1))
    _record(services, *(_use(number, kind=EventKind.TOKEN) for number in range(2, 2_202)))
    page = _page(officer, f"patients/{services.infrastructure.pseudonymiser.patient(PATIENT)}")
    assert f'href="/console/events/{index}"' in page
    assert "No use of this patient" not in page


def test_an_alert_shows_the_event_of_my_trust_behind_hundreds_of_others(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    own = _record(services, _use(1))
    others = _record(services, *(_use(number, custodian=COVENTRY) for number in range(2, 302)))
    page = _page(officer, f"alerts/{_raised(services, own + others)}")
    assert f'href="/console/events/{own[0]}"' in page
    assert "None of the events" not in page
    assert "199 events concern other trusts only." in page
    assert "It rests on 101 more events that are counted and not listed." in page


def test_an_alert_does_not_say_none_of_events_that_it_does_not_list(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    others = _record(services, *(_use(number, custodian=COVENTRY) for number in range(210)))
    own = _record(services, _use(400))
    page = _page(officer, f"alerts/{_raised(services, others + own)}")
    assert "None of the events that are listed here concerns your trust." in page
    assert "None of the events concerns your trust." not in page


def test_an_alert_of_other_trusts_events_only_says_that_none_concerns_mine(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    others = _record(services, *(_use(number, custodian=COVENTRY) for number in range(60)))
    assert "None of the events concerns your trust." in _page(officer, f"alerts/{_raised(services, others)}")


def test_a_chain_that_was_not_read_to_its_end_does_not_say_that_there_is_none(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    first = _use(1, authority=Authority("d-behind", "t-behind"))
    events = _record(services, first, *(_use(number) for number in range(2, 60)))
    page = _page(officer, f"alerts/{_raised(services, events)}")
    assert "No decision is on record." not in page
    assert "None among what was read for this page" in page


def test_the_reason_for_breaking_the_glass_is_shown_to_whoever_unmasks(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    broken = _record(services, _use(1, reason=REASON), _use(2, custodian=COVENTRY, reason="Of another trust"))
    alert = _raised(services, broken, patient=PATIENT)
    assert REASON not in _page(officer, f"alerts/{alert}")
    shown = _unmask(officer, alert)
    assert REASON in shown
    assert "Of another trust" not in shown
    assert PATIENT in shown.replace(" ", "")


def test_somebody_is_unmasked_by_the_one_event_that_names_them(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    many = _record(services, *(_use(number, who=f"somebody-{number}", patient=None) for number in range(40)))
    named = _record(services, _use(41, who="the-one"))
    last = _record(services, *(_use(number, who=f"somebody-{number}", patient=None) for number in range(50, 90)))
    subject = services.infrastructure.pseudonymiser.subject("the-one")
    shown = _unmask(officer, _raised(services, many + named + last, subject=subject, patient=PATIENT))
    assert "the-one" in shown
    assert "Cannot be shown" not in shown


def test_whoever_unmasks_can_hand_on_one_field_with_the_entry_and_its_proof(
    services: Services, seeded: Seeded, officer: FlaskClient, signer_key: str
) -> None:
    (index,) = _record(services, _use(1, reason=REASON))
    shown = _unmask(officer, _raised(services, [index], patient=PATIENT))
    assert f'href="/console/events/{index}"' in shown
    openings = [unescape(text).encode() for text in re.findall(r"<pre[^>]*><code>(\{.+?\})\s*</code>", shown)]
    entry = _page_bytes(officer, f"events/{index}/entry")
    proof = _page_bytes(officer, f"events/{index}/proof").decode()
    said = [verify(signer_key, entry, proof, opening) for opening in openings]
    assert [one.partition("its sealed field ")[2] for one in said] == [
        f'patient is "{PATIENT}"',
        f'break_glass_reason is "{REASON}"',
    ]
    looks = [event.detail.get("page") for event in services.infrastructure.audit.read(index, 100)]
    assert looks[-2:] == ["event_entry", "event_proof"]


def test_an_entry_of_other_trusts_is_not_handed_out(services: Services, seeded: Seeded, officer: FlaskClient) -> None:
    (index,) = _record(services, _use(1, custodian=COVENTRY))
    size, _ = services.infrastructure.audit.tree_head()
    for part in ("", "/entry", "/proof"):
        assert officer.get(f"/console/events/{index}{part}").status_code == 404
    assert services.infrastructure.audit.tree_head()[0] == size


def test_the_impact_of_nothing_asked_tells_nothing(
    services: Services, seeded: Seeded, app: Flask, clock: FixedClock
) -> None:
    ask = "agreements/two-trusts/impact?version=1&change=suspend&days=7"
    assert "3 decisions were asked again" in _page(signed_in_officer(app, clock), ask)
    clock.advance(timedelta(days=20))
    page = _page(signed_in_officer(app, clock), ask)
    assert "0 decisions were asked again" in page
    assert "this tells nothing about who would gain or lose access" in page
    assert "Nobody who asked" not in page
    assert "Unchanged" not in page


def test_the_impact_of_decisions_that_could_not_be_asked_tells_nothing(
    services: Services, seeded: Seeded, app: Flask, clock: FixedClock
) -> None:
    clock.advance(timedelta(days=20))
    failed = {"action": "read", "permit": False, "reasons": ["engine.timeout"]}
    decided = replace(_use(1, kind=EventKind.DECISION, detail=failed), source=Source(SYSTEM, COVENTRY))
    _record(services, decided)
    clock.advance(timedelta(minutes=1))
    ask = "agreements/two-trusts/impact?version=1&change=suspend&days=7"
    page = _page(signed_in_officer(app, clock), ask)
    assert "0 decisions were asked again" in page
    assert "Set aside: 1" in page
    assert "Nobody who asked" not in page


def test_the_row_of_a_draft_opens_the_draft(services: Services, seeded: Seeded, officer: FlaskClient) -> None:
    draft = document(version=2, title="A draft that nobody signed")
    services.registers.agreements.load([draft], OFFICE)
    listed = _page(officer, "agreements")
    row = next(part for part in listed.split("<tr") if "A draft that nobody signed" in part)
    (address,) = re.findall(r'href="/console/([^"]+)"', row)
    opened = _page(officer, address.replace("&amp;", "&"))
    assert "A draft that nobody signed" in opened[opened.index("<h1") : opened.index("</h1>")]


def test_a_decision_under_an_earlier_version_leads_to_that_version(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    page = _page(officer, "decisions/decision-0001")
    chain = page[page.index("Chain of authority") :]
    assert 'href="/console/agreements/two-trusts?version=1"' in chain


def test_a_decision_with_more_uses_than_are_shown_says_so(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    authority = Authority("decision-0001", "token-0001", "two-trusts")
    _record(services, *(_use(number, authority=authority) for number in range(130)))
    page = _page(officer, "decisions/decision-0001")
    assert "These are the first 100; more followed." in page


def _use(
    number: int,
    *,
    kind: EventKind = EventKind.ACCESS,
    custodian: str = BIRMINGHAM,
    who: str = "clinician-7731",
    patient: str | None = PATIENT,
    reason: str | None = None,
    authority: Authority | None = None,
    detail: dict[str, JsonValue] | None = None,
) -> Event:
    """Make one use of images kept by a trust, by somebody of Coventry, reported by the trust that keeps them."""
    return Event(
        id=f"{kind.value}-{who}-{number}",
        time=_NOW,
        source=Source(f"pacs-{custodian.lower()}", custodian),
        kind=kind,
        outcome=Outcome.SUCCESS,
        subject=Subject(who, SubjectType.PRACTITIONER, "clinician", COVENTRY),
        purpose=Purpose.TREAT,
        resource=Resource(patient=patient, study_uid="1.2.3", modality="CT", custodian=custodian),
        authority=authority or Authority(),
        break_glass=BreakGlass(reason) if reason else None,
        detail=detail or {},
    )


def _record(services: Services, *events: Event) -> list[int]:
    now = services.infrastructure.clock.now()
    return [one.index for one in services.infrastructure.audit.append([replace(event, time=now) for event in events])]


def _raised(services: Services, events: list[int], subject: str = "s-1", patient: str | None = None) -> str:
    """Raise one alert of Birmingham that rests on recorded events."""
    about = services.infrastructure.pseudonymiser.patient(patient or PATIENT)
    finding = Finding(
        rule_id="self_access",
        family="self_access",
        severity=Severity.HIGH,
        subject=subject,
        about=about,
        occurred_at=services.infrastructure.clock.now(),
        evidence=(Evidence("self_access", 1, 0, 0, None, "Somebody opened a study of their own record."),),
        events=tuple(events),
        patient=about,
        subjects=(subject,),
        trusts=(BIRMINGHAM,),
    )
    with services.infrastructure.database.transaction() as session:
        (raised,) = services.uses.alerts.raise_findings(session, [finding])
    return raised.alert


def _page(officer: FlaskClient, path: str) -> str:
    answer = officer.get(f"/console/{path}")
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


@pytest.fixture
def signer_key(services: Services) -> str:
    """Give the log's verifier key."""
    return services.infrastructure.audit.verifier_key()


def _page_bytes(officer: FlaskClient, path: str) -> bytes:
    """Download a file of the console."""
    answer = officer.get(f"/console/{path}")
    assert (answer.status_code, answer.content_type) == (200, "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    return answer.get_data()


def _unmask(officer: FlaskClient, alert: str) -> str:
    """Give a reason and get who is behind an alert."""
    form = _page(officer, f"alerts/{alert}/unmask")
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form)[-1]
    answer = officer.post(f"/console/alerts/{alert}/unmask", data={"csrf_token": token, "reason": "To ask about it."})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)
