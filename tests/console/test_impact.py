"""What would change: an officer asks before signing or ending an agreement, and is told of their own trust's part."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from governance.agreements import Moved, Transition
from governance.impact import Question
from tests.peers.browser import Visit
from tests.worlds.console import ANALYST, OFFICER, OTHER_OFFICER, Region

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]

PATH = "/console/agreements/two-trusts"
SUSPEND = f"{PATH}/impact?change=suspend&days=30"


def test_from_the_agreement_to_the_answer_by_keyboard(visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    seen.go(PATH)
    seen.page.get_by_role("link", name="See what would change").press("Enter")
    expect(seen.page.get_by_role("heading", name="What would change")).to_be_visible()
    seen.page.get_by_role("radio", name="It is suspended").press("Space")
    seen.page.get_by_role("radio", name="The last 30 days").press("Space")
    seen.page.get_by_role("button", name="Show what would change").press("Enter")
    answer = seen.page.get_by_role("region", name="It is suspended: what would change")
    expect(answer.get_by_role("heading", name="Would lose access: 2 decisions")).to_be_visible()
    row = answer.get_by_role("row").nth(1)
    for words in (
        "Clinician",
        "University Hospitals Coventry and Warwickshire",
        "Direct care",
        "University Hospitals Birmingham",
        "The agreement that would cover this is suspended, expired or ended.",
    ):
        expect(row).to_contain_text(words)
    row.get_by_role("link", name="Decision").first.click()
    expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
    assert "/console/decisions/decision-0000" in seen.page.url


def test_the_answer_is_that_of_the_analysis(region: Region, visit: Callable[..., Visit]) -> None:
    services, now = region.services, region.services.infrastructure.clock.now()
    question = Question(
        (Moved("two-trusts", 1, Transition.SUSPEND),), now.replace(year=now.year - 1), now, seen_by="RRK"
    )
    tally = services.uses.impact.analyse(question).tally
    seen = visit(OFFICER)
    assert seen.go(f"{PATH}/impact?change=suspend&days=90") == 200
    told = f"Unchanged: {tally.still_permitted} allowed, {tally.still_denied} refused."
    expect(seen.page.get_by_text(told)).to_be_visible()
    assert services.registers.agreements.get("two-trusts").in_force


def test_a_draft_is_asked_before_it_is_signed(visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    seen.go("/console/agreements/orthopaedic-referrals")
    seen.page.get_by_role("link", name="See what would change").click()
    expect(seen.page.get_by_role("radio", name="This version comes into force")).to_be_checked()
    seen.page.get_by_role("button", name="Show what would change").click()
    expect(seen.page.get_by_role("heading", name="How far to trust this")).to_be_visible()


def test_everybody_who_reads_agreements_may_ask(visit: Callable[..., Visit]) -> None:
    for name in (ANALYST, OTHER_OFFICER):
        seen = visit(name)
        assert seen.go(SUSPEND) == 200, name
        assert "clinician-7731" not in seen.page.content()


def test_what_cannot_be_asked_is_said(visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    assert seen.go("/console/agreements/no-such/impact") == 404
    assert seen.go(f"{PATH}/impact?version=7") == 404
    for query in ("change=activate&days=7", "change=suspend&days=365", "change=terminate&days=x", "days=7"):
        assert seen.go(f"{PATH}/impact?{query}") == 400, query
        expect(seen.page.get_by_role("heading", name="There is a problem")).to_be_visible()
