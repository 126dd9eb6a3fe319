"""The review of an alert, by keyboard and by the rules: who may do what, with which form, and what it leaves behind."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from governance.alerts import Evidence, Finding, Viewer
from governance.vocabulary import AlertState, Severity, Verdict
from tests.console.soundness import check
from tests.peers.browser import Visit
from tests.worlds.console import ANALYST, BIRMINGHAM, COVENTRY, NOSY, OFFICER, OTHER_OFFICER, PATIENT, Region

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]


@pytest.fixture
def alert(region: Region, request: pytest.FixtureRequest) -> str:
    """Raise an alert of the test's own, about somebody at Birmingham."""
    services = region.services
    person, patient = (
        services.infrastructure.pseudonymiser.subject(NOSY),
        services.infrastructure.pseudonymiser.patient(PATIENT),
    )
    finding = Finding(
        rule_id="self_access",
        family=f"self_access_{request.node.name}",
        severity=Severity.HIGH,
        subject=person,
        about=patient,
        occurred_at=services.infrastructure.clock.now(),
        evidence=(Evidence("own_record", 1, 0, 0, None, "Somebody opened their own record."),),
        events=(region.seeded.bypass_index,),
        patient=patient,
        subjects=(person,),
        trusts=(BIRMINGHAM,),
    )
    with services.infrastructure.database.transaction() as session:
        (raised,) = services.uses.alerts.raise_findings(session, [finding])
    return raised.alert


def held(region: Region, alert: str) -> tuple[AlertState, Verdict | None, str | None]:
    """Give what the alerts room holds of an alert."""
    found = region.services.uses.alerts.get(Viewer("s-reader", BIRMINGHAM, person=True), alert)
    return found.case.state, found.case.verdict, found.case.reason


FOCUSED = """() => {
    const focused = document.activeElement
    if (!focused || focused === document.body) return ''  // the body's text holds every name
    return (focused.labels && focused.labels[0] ? focused.labels[0].innerText : focused.innerText) || ''
}"""


def tab_to(visit: Visit, name: str) -> None:
    """Press Tab until the thing with that name has the focus."""
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        if name in visit.page.evaluate(FOCUSED):
            return
    raise AssertionError(f"the keyboard never reaches {name}")


def test_an_alert_is_closed_with_the_keyboard_alone(region: Region, visit: Callable[..., Visit], alert: str) -> None:
    seen = visit(OFFICER)
    seen.go("/console/")
    tab_to(seen, "Skip to main content")
    tab_to(seen, "Alerts")
    seen.page.keyboard.press("Enter")
    expect(seen.page).to_have_url(re.compile(r"/console/alerts$"))
    tab_to(seen, "alert ")
    seen.go(f"/console/alerts/{alert}")
    tab_to(seen, "Assign to me")
    seen.page.keyboard.press("Enter")
    seen.page.get_by_text("You are in charge of this alert.").wait_for()
    tab_to(seen, "Close with a verdict")
    seen.page.keyboard.press("Enter")
    expect(seen.page).to_have_url(re.compile(r"/close$"))
    tab_to(seen, "Justified")
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("ArrowDown")
    tab_to(seen, "Why?")
    seen.page.keyboard.type("The manager knew of no reason.")
    tab_to(seen, "Close alert")
    seen.page.keyboard.press("Enter")
    seen.page.get_by_text("The alert is closed.").wait_for()
    assert held(region, alert) == (AlertState.CLOSED, Verdict.UNJUSTIFIED, "The manager knew of no reason.")
    assert seen.page.get_by_role("link", name="Close with a verdict").count() == 0
    assert seen.complaints == []


def test_a_comment_is_kept_and_shown_as_text(region: Region, visit: Callable[..., Visit], alert: str) -> None:
    seen = visit(OFFICER)
    seen.go(f"/console/alerts/{alert}")
    words = "<b>bold</b> <script>document.title='owned'</script> {{ 7 * 7 }}"
    seen.page.get_by_label("Add a comment").fill(words)
    seen.page.get_by_role("button", name="Add comment").click()
    expect(seen.page.get_by_text(words)).to_be_visible()
    assert "owned" not in seen.page.title()
    assert held(region, alert)[0] is AlertState.NEW


def test_a_closed_alert_is_not_closed_again(region: Region, visit: Callable[..., Visit], alert: str) -> None:
    first, second = visit(OFFICER), visit(OFFICER)
    for seen in (first, second):
        seen.go(f"/console/alerts/{alert}/close")
        seen.page.get_by_role("radio", name="Unclear").check()
        seen.page.get_by_label("Why?").fill(f"Closed by {'first' if seen is first else 'second'}")
    first.page.get_by_role("button", name="Close alert").click()
    second.page.get_by_role("button", name="Close alert").click()
    expect(second.page.get_by_role("heading", name="That is no longer possible")).to_be_visible()
    assert held(region, alert) == (AlertState.CLOSED, Verdict.UNCLEAR, "Closed by first")


def test_who_it_is_is_shown_once_for_a_reason(region: Region, visit: Callable[..., Visit], alert: str) -> None:
    seen = visit(OFFICER)
    seen.go(f"/console/alerts/{alert}")
    assert NOSY not in seen.page.content()
    assert PATIENT not in seen.page.content().replace(" ", "")
    seen.page.get_by_role("link", name="See who this is").click()
    seen.page.get_by_label("Why do you need to see who this is?").fill("To ask the line manager about it.")
    seen.page.get_by_role("button", name="Show").click()
    expect(seen.page.get_by_text(NOSY, exact=True)).to_be_visible()
    expect(seen.page.get_by_text("999 000 0018")).to_be_visible()
    seen.page.get_by_text("User in entry").click()
    expect(seen.page.get_by_text('{"field": "subject"')).to_be_visible()
    assert NOSY not in seen.page.url
    check(seen, "unmasked", 1280)
    seen.page.get_by_role("link", name="Back to the alert").click()
    expect(seen.page.get_by_text("saw who this is")).to_be_visible()
    assert NOSY not in seen.page.content()
    expect(seen.page.get_by_text("To ask the line manager about it.")).to_be_visible()


@pytest.mark.parametrize("act", ["assign", "comment", "close", "unmask"])
def test_a_form_from_elsewhere_changes_nothing(
    region: Region, visit: Callable[..., Visit], alert: str, act: str
) -> None:
    seen = visit(OFFICER)
    fields = {"comment": "forged", "verdict": "justified", "reason": "forged by another site"}
    for token in ({}, {"csrf_token": "forged"}):
        answer = seen.page.context.request.post(f"{region.address}/console/alerts/{alert}/{act}", form=fields | token)
        assert answer.status == 400
        assert "The form has expired" in answer.text()
    found = region.services.uses.alerts.get(Viewer("s-reader", BIRMINGHAM, person=True), alert)
    assert found.history == ()
    assert held(region, alert) == (AlertState.NEW, None, None)


@pytest.mark.parametrize("act", ["assign", "comment", "close", "unmask"])
def test_an_officer_of_another_trust_changes_nothing(
    region: Region, visit: Callable[..., Visit], alert: str, act: str
) -> None:
    seen = visit(OTHER_OFFICER)
    seen.go("/console/alerts")
    token = seen.page.locator("input[name=csrf_token]").first.input_value()
    fields = {"csrf_token": token, "comment": "not ours", "verdict": "justified", "reason": "of another trust"}
    answer = seen.page.context.request.post(f"{region.address}/console/alerts/{alert}/{act}", form=fields)
    assert answer.status == 404
    found = region.services.uses.alerts.get(Viewer("s-reader", BIRMINGHAM, person=True), alert)
    assert found.history == ()
    assert held(region, alert) == (AlertState.NEW, None, None)


def test_signing_out_and_searching_need_the_form_token_too(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    for path in ("/console/sign-out", "/console/patients"):
        assert seen.page.context.request.post(region.address + path, form={"nhs_number": PATIENT}).status == 400
    assert seen.go("/console/alerts") == 200


@pytest.mark.parametrize("part", ["", "/close", "/unmask"])
def test_another_trusts_alert_does_not_exist(
    region: Region, visit: Callable[..., Visit], alert: str, part: str
) -> None:
    assert visit(OTHER_OFFICER).go(f"/console/alerts/{alert}{part}") == 404
    assert visit(OFFICER).go(f"/console/alerts/{region.seeded.other_alert}{part}") == 404


def test_another_trusts_events_do_not_exist(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    assert seen.go(f"/console/events/{region.seeded.other_index}") == 404
    assert seen.go("/console/events/999999") == 404
    other = region.services.infrastructure.pseudonymiser.patient("9990000026")
    assert seen.go(f"/console/patients/{other}") == 200
    expect(seen.page.get_by_text("No use of this patient's images is on record here.")).to_be_visible()


def test_an_agreement_of_others_does_not_exist(region: Region, visit: Callable[..., Visit]) -> None:
    assert visit(OTHER_OFFICER).go("/console/agreements/two-trusts") == 200
    assert visit(OTHER_OFFICER).go("/console/agreements/no-such-agreement") == 404


def test_security_operations_reads_but_does_not_review(region: Region, visit: Callable[..., Visit], alert: str) -> None:
    seen = visit(ANALYST)
    assert seen.go(f"/console/alerts/{alert}") == 200
    for name in ("Assign to me", "Close with a verdict", "See who this is", "Add comment", "Patient access"):
        assert seen.page.get_by_text(name).count() == 0
    for part in ("close", "unmask"):
        assert seen.go(f"/console/alerts/{alert}/{part}") == 403
    assert seen.go("/console/patients") == 403
    seen.go("/console/alerts")
    token = seen.page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    fields = {"csrf_token": token, "reason": "I would like to know", "verdict": "justified", "comment": "x"}
    for act in ("assign", "comment", "close", "unmask"):
        answer = seen.page.context.request.post(f"{region.address}/console/alerts/{alert}/{act}", form=fields)
        assert answer.status == 403
    assert held(region, alert) == (AlertState.NEW, None, None)


def test_the_chain_leads_from_the_agreement_to_the_alert_and_back(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    seen.go("/console/agreements/two-trusts")
    main = seen.page.locator("main")
    main.locator("a[href*='/decisions/decision-0001']").click()
    expect(main.get_by_role("heading", name="Allowed")).to_be_visible()
    chain = main.locator(".app-chain")
    chain.get_by_role("link", name="https://pacs.rrk.example").click()
    expect(main.get_by_role("heading", name="Access token").first).to_be_visible()
    chain.locator(f"a[href$='/events/{region.seeded.access_index}']").click()
    expect(main.get_by_text("is one of")).to_be_visible()
    chain.get_by_role("link", name="Break-glass without follow-up").click()
    expect(main.get_by_role("heading", name="Break-glass without follow-up").first).to_be_visible()
    chain.get_by_role("link", name="To look at images for direct care").click()
    chain.get_by_role("link", name="Reporting pool").click()
    expect(seen.page).to_have_url(re.compile(r"/console/agreements/two-trusts\?version=1$"))


def test_a_patients_number_stays_out_of_every_address(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    asked: list[str] = []
    seen.page.on("request", lambda made: asked.append(made.url))
    seen.go("/console/patients")
    seen.page.get_by_label("NHS number").fill("999 000 0018")
    seen.page.get_by_role("button", name="Show timeline").click()
    expect(seen.page.get_by_text(region.seeded.patient)).to_be_visible()
    assert [url for url in asked if PATIENT in url or "999" in url.split("/")[-1]] == []
    assert PATIENT not in seen.page.content().replace(" ", "")


def test_the_timeline_pages_and_filters(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    seen.go(f"/console/patients/{region.seeded.patient}")
    rows = seen.page.locator("tbody tr")
    expect(rows).to_have_count(25)
    expect(seen.page.locator("table")).to_contain_text("Radiographer")
    seen.page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(9)
    seen.page.get_by_role("link", name="Newest").click()
    expect(rows).to_have_count(25)
    seen.page.get_by_label("Trust").select_option(COVENTRY)
    seen.page.get_by_role("button", name="Apply filter").click()
    expect(seen.page).to_have_url(re.compile(rf"custodian={COVENTRY}|trust={COVENTRY}"))
    expect(seen.page.locator("table")).not_to_contain_text("Radiographer")


def test_a_link_that_is_no_pseudonym_leads_nowhere(visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    assert seen.go(f"/console/patients/{PATIENT}") == 404
    assert PATIENT not in seen.page.content()
