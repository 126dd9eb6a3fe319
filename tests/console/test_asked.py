"""Questions as people meet them: an officer asks, whoever was asked signs in and answers, the officer rules on it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from playwright.sync_api import expect

from governance.alerts import Evidence, Finding
from governance.audit.event import Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.federation import StaffMember
from governance.inquiries import AnswerCode, Identity
from governance.vocabulary import EventKind, Outcome, Severity, SubjectType
from governance.web.sessions import BrowserSession, SignedInPerson
from tests.console.conftest import ISSUER
from tests.console.soundness import check
from tests.peers.browser import Visit
from tests.worlds.console import ASKED, BIRMINGHAM, OFFICER, STRANGER, Region, Seeded, sign_in

LUCY, PATIENT = "radiologist.rrk", "9990000042"
WIDTHS = (1280, 390)


def alert_about_lucy(services: Services, number: int = 1) -> str:
    """Put Lucy on the register, let her look at a patient without a reason, and raise an alert of it."""
    infrastructure = services.infrastructure
    now = infrastructure.clock.now() - timedelta(hours=2)
    look = Event(
        f"lucy-{number}",
        now,
        Source("archive-rrk", BIRMINGHAM),
        EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject(LUCY, SubjectType.PRACTITIONER, "consultant_radiologist", BIRMINGHAM),
        resource=Resource(
            patient=PATIENT, study_uid="1.2.9", modality="MR", body_part="KNEE", study_date=now.date(), custodian="RNA"
        ),
    )
    index = infrastructure.audit.append([look])[0].index
    who, whom = infrastructure.pseudonymiser.subject(LUCY), infrastructure.pseudonymiser.patient(PATIENT)
    found = Finding(
        rule_id="access_without_decision",
        family=f"family-{number}",
        severity=Severity.MEDIUM,
        subject=who,
        about=whom,
        occurred_at=now,
        evidence=(Evidence("looks", 1, 0, 0, None, "A radiologist opened an MR study and no decision allowed it."),),
        events=(index,),
        patient=whom,
        subjects=(who,),
        trusts=(BIRMINGHAM,),
    )
    with infrastructure.database.transaction() as session:
        services.registers.federation.upsert_staff(session, [StaffMember(who, BIRMINGHAM, "consultant_radiologist")])
        return services.uses.alerts.raise_findings(session, [found])[0].alert


@pytest.mark.peer
@pytest.mark.xdist_group("console")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_whole_way_of_a_question(region: Region, visit: Callable[..., Visit], width: int) -> None:
    alert = alert_about_lucy(region.services, width)
    officer = visit(OFFICER, width)
    officer.go(f"/console/alerts/{alert}")
    officer.page.get_by_role("link", name="Ask why").click()
    check(officer, "ask", width)
    officer.page.get_by_role("button", name="Ask", exact=True).click()
    expect(officer.page.get_by_role("heading", name="There is a problem")).to_be_visible()
    officer.complaints.clear()
    check(officer, "ask-error", width)
    officer.page.get_by_role("radio", name="The person who opened the images").check()
    officer.page.get_by_role("button", name="Ask", exact=True).click()
    expect(officer.page.get_by_text("Waiting for an answer")).to_be_visible()
    check(officer, "alert-asked", width)
    reference = re.search(r"Question (q-[a-z2-7]+)", officer.page.content())
    assert reference is not None
    path = f"/console/asked/{reference[1]}"

    lucy = visit(None, width)
    lucy.go(path)
    sign_in(lucy, ASKED)
    expect(lucy.page.get_by_role("heading", name="Why did you open these images?")).to_be_visible()
    assert lucy.page.url.endswith(path)  # brought back to where the link led
    shown = lucy.page.content()
    assert "MR knee" in shown
    assert "The Dudley Group" in shown
    assert region.services.infrastructure.pseudonymiser.patient(PATIENT) not in shown
    assert PATIENT not in shown
    check(lucy, "asked", width)
    lucy.page.get_by_role("button", name="Send my answer").click()
    expect(lucy.page.get_by_role("heading", name="There is a problem")).to_be_visible()
    lucy.complaints.clear()
    check(lucy, "asked-error", width)
    lucy.page.get_by_role("radio", name="A colleague asked for it").check()
    lucy.page.get_by_label("In your own words").fill("Dr Arden of the night shift asked me for a second look.")
    lucy.page.get_by_role("button", name="Send my answer").click()
    expect(lucy.page.get_by_text("Thank you. Your answer was recorded.")).to_be_visible()
    check(lucy, "asked-answered", width)
    lucy.go("/console/asked")
    check(lucy, "asked-list", width)
    assert lucy.go("/console/") == 403
    lucy.complaints.clear()
    check(lucy, "asked-elsewhere", width)

    officer.go(f"/console/alerts/{alert}")
    expect(officer.page.get_by_text("Dr Arden of the night shift asked me for a second look.")).to_be_visible()
    check(officer, "alert-answered", width)
    officer.page.get_by_role("link", name="Confirm or reject this answer").click()
    check(officer, "rule", width)
    officer.page.get_by_role("radio", name="Yes, this explains it").check()
    officer.page.get_by_label("Why?").fill("The night shift's list has it.")
    officer.page.get_by_role("button", name="Save").click()
    expect(officer.page.get_by_text("Confirmed", exact=True)).to_be_visible()
    check(officer, "alert-confirmed", width)


@pytest.mark.peer
@pytest.mark.xdist_group("console")
def test_somebody_who_was_asked_nothing_cannot_sign_in(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(None)
    sign_in(seen, STRANGER)
    expect(seen.page.get_by_text("you have no account here")).to_be_visible()


def signed_in(app: Flask, clock: FixedClock, subject: str) -> FlaskClient:
    """Open a client with the session of somebody without an account."""
    session, answer = BrowserSession(None, None), Response()
    session.sign_in(SignedInPerson(ISSUER, subject, BIRMINGHAM, "Somebody", frozenset(), clock.now()))
    app.session_interface.save_session(app, session, answer)
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    client = app.test_client()
    client.set_cookie(name, value)
    return client


def asked(services: Services) -> tuple[str, Identity]:
    """Ask Lucy about her look; gives the reference."""
    alert_about_lucy(services)
    pseudonymiser = services.infrastructure.pseudonymiser
    who, whom = pseudonymiser.subject(LUCY), pseudonymiser.patient(PATIENT)
    size, _ = services.infrastructure.audit.tree_head()
    with services.infrastructure.database.transaction() as session:
        inquiry = services.uses.inquiries.open_in(
            session, subject=who, patient=whom, looks=range(size), why="No reason is on record."
        )
    return inquiry.reference, inquiry.person


def test_anybody_else_gets_the_page_of_a_reference_that_is_not_there(
    app: Flask, services: Services, seeded: Seeded, officer: FlaskClient, clock: FixedClock
) -> None:
    reference, _ = asked(services)
    own = signed_in(app, clock, LUCY).get(f"/console/asked/{reference}")
    assert own.status_code == 200
    for client in (officer, signed_in(app, clock, "clinician.rrk")):
        theirs, unknown = (client.get(f"/console/asked/{name}") for name in (reference, "q-none"))
        assert (theirs.status_code, unknown.status_code) == (404, 404)
        assert _body(theirs.get_data(as_text=True)) == _body(unknown.get_data(as_text=True))
        posted = client.post(f"/console/asked/{reference}", data=_token(client) | {"answer": "treating"})
        assert posted.status_code == 404
    assert app.test_client().get(f"/console/asked/{reference}").status_code == 303  # to sign in first


def test_a_look_at_a_question_is_in_the_log_and_an_answer_needs_the_form_token(
    app: Flask, services: Services, seeded: Seeded, clock: FixedClock
) -> None:
    reference, _ = asked(services)
    client = signed_in(app, clock, LUCY)
    assert client.get(f"/console/asked/{reference}").status_code == 200
    size, _ = services.infrastructure.audit.tree_head()
    (event,) = services.infrastructure.audit.read(size - 1, 1)
    assert event.subject is not None
    assert event.subject.id == services.infrastructure.pseudonymiser.subject(LUCY)
    assert event.detail == {"page": "asked", "inquiry": reference, "part": "person"}
    assert client.post(f"/console/asked/{reference}", data={"answer": "treating"}).status_code == 400
    sent = client.post(f"/console/asked/{reference}", data=_token(client) | {"answer": "treating", "words": ""})
    assert sent.status_code == 303
    again = client.post(f"/console/asked/{reference}", data=_token(client) | {"answer": "other", "words": "no"})
    assert again.status_code == 409


def test_who_signed_in_to_answer_sees_nothing_else(
    app: Flask, services: Services, seeded: Seeded, clock: FixedClock
) -> None:
    asked(services)
    client = signed_in(app, clock, LUCY)
    for path in ("", "alerts", f"alerts/{seeded.alert}", "patients", "agreements", f"events/{seeded.access_index}"):
        assert client.get(f"/console/{path}").status_code == 403, path
    assert client.get("/console/asked").status_code == 200


def test_an_officer_of_another_trust_and_a_bare_reader_ask_and_rule_on_nothing(
    services: Services, seeded: Seeded, officer: FlaskClient
) -> None:
    reference, who = asked(services)
    services.uses.inquiries.answer(who, reference, AnswerCode.TREATING, "")
    # it was asked by the service itself, from no alert: none of an alert's pages leads to it
    assert officer.get(f"/console/alerts/{seeded.alert}/questions/{reference}").status_code == 404
    assert officer.get(f"/console/alerts/{seeded.other_alert}/ask").status_code == 404


def _token(client: FlaskClient) -> dict[str, str]:
    """Give the form token of a page that shows a form."""
    page = client.get("/console/asked").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return {"csrf_token": found[1]}


def _body(page: str) -> str:
    """Give a page without what differs each time."""
    return re.sub(r'nonce="[^"]+"|value="[^"]+"', "", page)
