"""The random audit as officers meet it: what it says, a verdict, the rate, and who sees none of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import expect

from governance.bootstrap import Services
from governance.detection.sampling import Candidate
from tests.console.soundness import check
from tests.peers.browser import Visit
from tests.worlds.console import ANALYST, BIRMINGHAM, COVENTRY, OFFICER, Region

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]
AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


def drawn(services: Services, ods: str, day: int) -> list[int]:
    """Draw a day of a trust from looks of its own."""
    patient = services.infrastructure.pseudonymiser.patient("9990000018")
    first = 10_000_000 * day + (0 if ods == BIRMINGHAM else 1_000_000)
    looks = [Candidate(first + n, AT, f"s-{'a' * 26}", ods, patient, None) for n in range(20_000)]
    with services.infrastructure.database.transaction() as session:
        return [one.index for one in services.uses.sampling.draw_in(session, date(2026, 11, day), looks)]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_verdict_on_what_was_drawn(region: Region, visit: Callable[..., Visit], width: int) -> None:
    own = drawn(region.services, BIRMINGHAM, 1 if width > 400 else 2)
    others = drawn(region.services, COVENTRY, 1 if width > 400 else 2)
    seen = visit(OFFICER, width)
    seen.go("/console/sample")
    check(seen, "sample-drawn", width)
    expect(seen.page.get_by_role("link", name=f"Access {own[-1]}")).to_be_visible()
    assert str(others[-1]) not in seen.page.content()
    seen.go(f"/console/sample/{own[-1]}")
    check(seen, "sample-look", width)
    seen.page.get_by_role("button", name="Save verdict").click()
    expect(seen.page.get_by_role("heading", name="There is a problem")).to_be_visible()
    seen.complaints.clear()
    check(seen, "sample-look-error", width)
    seen.page.get_by_role("radio", name="Not justified").check()
    seen.page.get_by_label("Why?").fill("They know each other.")
    seen.page.get_by_role("button", name="Save verdict").click()
    expect(seen.page.get_by_text("drawn and judged")).to_be_visible()
    seen.go("/console/sample?show=judged")
    expect(seen.page.get_by_role("link", name=f"Access {own[-1]}")).to_be_visible()
    check(seen, "sample-judged", width)
    assert seen.go(f"/console/sample/{others[-1]}") == 404


def test_the_share_is_chosen_by_officers_alone(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    seen.go("/console/sample/rate")
    seen.page.get_by_label("Share to draw, in percent").fill("7")
    seen.page.get_by_role("button", name="Save").click()
    expect(seen.page.get_by_role("heading", name="There is a problem")).to_be_visible()
    seen.page.get_by_label("Share to draw, in percent").fill("0.2")
    seen.page.get_by_role("button", name="Save").click()
    expect(seen.page.get_by_text("0.2 percent are drawn.")).to_be_visible()
    analyst = visit(ANALYST)
    assert analyst.go("/console/sample") == 200
    assert analyst.go("/console/sample/rate") == 403
