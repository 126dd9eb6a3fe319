"""Why somebody may have looked is shown wherever the look is, and how many looks had a reason on a page of its own."""

import pytest
from flask.testing import FlaskClient

from governance.bootstrap import Services
from tests.worlds.console import Seeded

REASON = "On a worklist from ris-rrk, 29 days before"
NONE = "No recorded reason found"


def text(officer: FlaskClient, path: str) -> str:
    answer = officer.get(f"/console/{path}")
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def test_a_look_that_detection_has_not_read_is_not_called_unexplained(seeded: Seeded, officer: FlaskClient) -> None:
    for path in (f"events/{seeded.access_index}", f"patients/{seeded.patient}", f"alerts/{seeded.alert}"):
        page = text(officer, path)
        assert "Not looked into yet" in page, path
        assert NONE not in page, path
    assert "No look of these days has been read by detection yet." in text(officer, "reasons")


@pytest.fixture
def read(services: Services, seeded: Seeded) -> Seeded:
    """Let detection read what was put in."""
    services.uses.detection.catch_up()
    return seeded


def test_the_reason_is_on_every_page_that_shows_the_look(read: Seeded, officer: FlaskClient) -> None:
    pages = {
        f"events/{read.access_index}": REASON,
        f"patients/{read.patient}": REASON,
        "decisions/decision-0001": REASON,
        f"alerts/{read.alert}": REASON,
        f"alerts/{read.bypass_alert}": NONE,
        f"events/{read.bypass_index}": NONE,
    }
    for path, said in pages.items():
        assert said in text(officer, path), path
    assert "Reason on record" not in text(officer, f"events/{read.decision_index}"), "a decision shows nobody an image"


def test_the_share_of_looks_with_a_reason_is_shown_by_trust_role_and_kind(
    services: Services, read: Seeded, officer: FlaskClient
) -> None:
    page = text(officer, "reasons")
    for said in ("University Hospitals Birmingham", "The region", "Radiographer", NONE):
        assert said in page
    assert "Coventry" not in page, "another trust's looks are in the region's total alone"
    assert 'href="/console/reasons"' in text(officer, "")
