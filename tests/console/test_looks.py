"""Nobody reads the audit unseen: each page leaves its look in the log, and none without it is shown."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from governance.vocabulary import EventKind
from tests.peers.browser import Visit
from tests.worlds.console import OFFICER, PATIENT, Region, Seeded

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]

LOOKS: tuple[tuple[Callable[[Seeded], str], str, bool], ...] = (
    (lambda _: "/console/", "home", False),
    (lambda _: "/console/alerts", "alerts", False),
    (lambda seeded: f"/console/alerts/{seeded.alert}", "alert", True),
    (lambda seeded: f"/console/events/{seeded.access_index}", "event", True),
    (lambda _: "/console/decisions/decision-0001", "decision", True),
    (lambda seeded: f"/console/patients/{seeded.patient}", "timeline", True),
    (lambda _: "/console/agreements/two-trusts", "agreement", False),
    (lambda _: "/console/agreements/two-trusts/impact?change=suspend&days=7", "impact", False),
)


@pytest.mark.parametrize(("path", "page", "about_patient"), LOOKS, ids=[page for _, page, _ in LOOKS])
def test_each_look_is_in_the_log(
    region: Region, visit: Callable[..., Visit], path: Callable[[Seeded], str], page: str, about_patient: bool
) -> None:
    seen = visit(OFFICER)
    before, _ = region.services.infrastructure.audit.tree_head()
    assert seen.go(path(region.seeded)) == 200
    size, _ = region.services.infrastructure.audit.tree_head()
    added = [
        e for e in region.services.infrastructure.audit.read(before, size - before) if e.kind is EventKind.AUDIT_READ
    ]
    look = next(event for event in added if event.detail["page"] == page)
    assert look.subject is not None
    assert look.subject.role == "ig_officer"
    assert look.subject.ods == "RRK"
    assert (look.resource is not None and look.resource.patient == region.seeded.patient) is about_patient
    assert PATIENT not in str(look.detail)


def test_what_does_not_exist_for_somebody_leaves_no_look(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    before, _ = region.services.infrastructure.audit.tree_head()
    assert seen.go(f"/console/alerts/{region.seeded.other_alert}") == 404
    size, _ = region.services.infrastructure.audit.tree_head()
    assert [e.kind for e in region.services.infrastructure.audit.read(before, size - before)] == []


def test_a_log_that_cannot_be_written_shows_nothing(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    region.services.infrastructure.audit.close()
    try:
        assert seen.go(f"/console/alerts/{region.seeded.alert}") == 503
        expect(seen.page.get_by_role("heading", name="This is not available right now")).to_be_visible()
        assert region.seeded.patient not in seen.page.content()
    finally:
        region.services.infrastructure.audit.start()
    assert seen.go(f"/console/alerts/{region.seeded.alert}") == 200
