"""Every page, wide and narrow: it opens, axe finds nothing, the browser complains of nothing, nothing overflows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.soundness import check
from tests.peers.browser import Visit
from tests.worlds.console import OFFICER, Region, Seeded

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]

PAGES: dict[str, Callable[[Seeded], str]] = {
    "agreement": lambda _: "/console/agreements/two-trusts",
    "agreement-draft": lambda _: "/console/agreements/orthopaedic-referrals",
    "agreement-suspended": lambda _: "/console/agreements/ct-triage?version=1",
    "agreements": lambda _: "/console/agreements",
    "alert": lambda seeded: f"/console/alerts/{seeded.alert}",
    "alert-bypass": lambda seeded: f"/console/alerts/{seeded.bypass_alert}",
    "alert-closed": lambda seeded: f"/console/alerts/{seeded.closed_alert}",
    "alerts": lambda _: "/console/alerts",
    "alerts-all": lambda _: "/console/alerts?state=all",
    "alerts-none": lambda _: "/console/alerts?severity=low",
    "close": lambda seeded: f"/console/alerts/{seeded.alert}/close",
    "decision": lambda _: "/console/decisions/decision-0001",
    "decision-refused": lambda _: "/console/decisions/decision-0002",
    "event": lambda seeded: f"/console/events/{seeded.access_index}",
    "event-break-glass": lambda seeded: f"/console/events/{seeded.bypass_index + 3}",
    "event-decision": lambda seeded: f"/console/events/{seeded.decision_index}",
    "event-export": lambda seeded: f"/console/events/{seeded.bypass_index + 2}",
    "help": lambda _: "/console/help",
    "home": lambda _: "/console/",
    "impact": lambda _: "/console/agreements/two-trusts/impact",
    "impact-activate": lambda _: "/console/agreements/ct-triage/impact?version=1&change=activate&days=7",
    "impact-draft": lambda _: "/console/agreements/orthopaedic-referrals/impact",
    "impact-suspend": lambda _: "/console/agreements/two-trusts/impact?change=suspend&days=90",
    "notices": lambda _: "/console/notices",
    "notices-all": lambda _: "/console/notices?review=all",
    "patients": lambda _: "/console/patients",
    "reasons": lambda _: "/console/reasons",
    "sample": lambda _: "/console/sample",
    "sample-rate": lambda _: "/console/sample/rate",
    "suppression": lambda seeded: f"/console/suppressions/{seeded.suppression}",
    "suppression-new": lambda seeded: f"/console/suppressions/new?alert={seeded.alert}",
    "suppressions": lambda _: "/console/suppressions",
    "suppressions-all": lambda _: "/console/suppressions?held=all",
    "timeline": lambda seeded: f"/console/patients/{seeded.patient}",
    "timeline-none": lambda _: "/console/patients/p-" + "a" * 26,
    "unmask": lambda seeded: f"/console/alerts/{seeded.alert}/unmask",
}
WIDTHS = (1280, 390)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_sound(region: Region, visit: Callable[..., Visit], width: int) -> None:
    seen = visit(OFFICER, width)
    for name, path in PAGES.items():
        assert seen.go(path(region.seeded)) == 200, name
        check(seen, name, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_signing_in_is_sound(visit: Callable[..., Visit], width: int) -> None:
    seen = visit(None, width)
    assert seen.go("/console/sign-in") == 200
    check(seen, "sign-in", width)


@pytest.mark.parametrize("width", [320, 641, 1023, 1024, 1100, 1243, 1244, 1500])
def test_a_window_of_any_width_has_margins(visit: Callable[..., Visit], width: int) -> None:
    seen = visit(None, width)
    assert seen.go("/console/sign-in") == 200
    check(seen, "sign-in", width)
    for place in ("header .app-width", "footer .app-width", "main"):
        box = seen.page.locator(place).first.bounding_box()
        assert box is not None
        assert min(box["x"], width - box["x"] - box["width"]) >= 16, place


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "path", "button"),
    [
        ("close-error", "/console/alerts/{alert}/close", "Close alert"),
        ("impact-error", "/console/agreements/two-trusts/impact", "Show what would change"),
        ("unmask-error", "/console/alerts/{alert}/unmask", "Show"),
        ("comment-error", "/console/alerts/{alert}", "Add comment"),
        ("patients-error", "/console/patients", "Show timeline"),
        ("suppression-error", "/console/suppressions/new", "Hold back"),
        ("suppression-end-error", "/console/suppressions/{suppression}", "End it now"),
    ],
)
def test_a_form_sent_empty_says_what_is_missing(
    region: Region, visit: Callable[..., Visit], width: int, name: str, path: str, button: str
) -> None:
    seen = visit(OFFICER, width)
    seen.go(path.format(alert=region.seeded.alert, suppression=region.seeded.suppression))
    seen.page.get_by_role("button", name=button).click()
    summary = seen.page.get_by_role("alert")
    expect(summary.get_by_role("heading", name="There is a problem")).to_be_visible()
    assert seen.page.title().startswith("Error: ")
    seen.complaints.clear()  # the browser says that the form was answered with 400, which is right
    check(seen, name, width)
    summary.get_by_role("link").first.click()
    focused = seen.page.evaluate("document.activeElement.name")
    assert focused in {"change", "verdict", "reason", "comment", "nhs_number"}


@pytest.mark.parametrize("width", WIDTHS)
def test_an_address_that_leads_nowhere_is_a_page(visit: Callable[..., Visit], width: int) -> None:
    seen = visit(OFFICER, width)
    assert seen.go("/console/no/such/page") == 404
    seen.complaints.clear()
    check(seen, "not-found", width)
    expect(seen.page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_every_page_works_without_scripts(region: Region, visit: Callable[..., Visit]) -> None:
    signed_in = visit(OFFICER)
    context = signed_in.page.context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=False, storage_state=signed_in.page.context.storage_state()
    )
    page = context.new_page()
    for name, path in PAGES.items():
        answer = page.goto(region.address + path(region.seeded))
        assert answer is not None, name
        assert page.locator("h1").count() == 1, name
    context.close()


def test_nothing_is_asked_of_another_host(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    asked: list[str] = []
    seen.page.on("request", lambda made: asked.append(made.url))
    for path in PAGES.values():
        seen.go(path(region.seeded))
    assert [url for url in asked if not url.startswith((region.address, "data:"))] == []
