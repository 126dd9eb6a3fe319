"""Lists of an archive: of what an archive answers, a caller gets what the agreements open, and no trace of the rest."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.commands._demo_home import DemoHome
from governance.simulation import network
from governance.simulation.population import nhs_numbers
from governance.simulation.showcase import (
    DECOY_STUDY,
    OWN_STUDY,
    REPORTER,
    SEALED_STUDY,
    SHARED_STUDY,
    UNRELATED_STUDY,
)
from governance.vocabulary import EventKind, Outcome
from tests.fakes.archive import ListArchive, list_archive, row
from tests.fakes.stranger import (
    Behaviour,
    breaks_off,
    drips_body,
    drips_headers,
    silence,
    stranger,
    two_hundred_megabytes_undeclared,
)
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, RegionWorld, copy_home

ARCHIVE = network.archive_id("RRK")
UNHEARD_OF = "1.2.826.0.1.3680043.10.1999.9.9"  # the archive has it, the catalogue has not
HELD = [UNRELATED_STUDY, SEALED_STUDY, OWN_STUDY, DECOY_STUDY, UNHEARD_OF]
DICOM_JSON = "application/dicom+json"
MORE_STUDIES = [f"1.2.826.0.1.3680043.10.1999.7.{number}" for number in range(5)]


class _Home(DemoHome):
    """A home whose service lists RRK's archive."""

    archive = ""

    def environment(self) -> dict[str, str]:
        return DemoHome.environment(self) | {"GOVERNANCE_DICOMWEB_ARCHIVES": f"{ARCHIVE}={self.archive}"}


@dataclass
class Listing:
    """The region, RRK's archive, and a radiologist of RKB with a token for the study on their worklist."""

    region: RegionWorld
    archive: ListArchive
    token: str

    def ask(self, path: str = "/studies", archive: str = ARCHIVE, **headers: str | None) -> TestResponse:
        """Ask for a list as the archive's gateway does; a header given as None is left out."""
        sent: dict[str, str | None] = {
            "X-Enforcement-Key": self.region.parties.enforcement_key("RRK"),
            "Authorization": f"Bearer {self.token}",
            "Accept": DICOM_JSON,
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: text for name, text in sent.items() if text is not None}
        return self.region.client.get(f"/dicomweb/{archive}{path}", headers=given)

    def studies(self, path: str = "/studies") -> list[str]:
        """Give the study UIDs of a list."""
        answer = self.ask(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return [one["0020000D"]["Value"][0] for one in json.loads(answer.get_data())]


@pytest.fixture
def listing(region_home: DemoHome, tmp_path: Path) -> Iterator[Listing]:
    with list_archive() as archive:
        archive.rows = [row(study) for study in (UNRELATED_STUDY, SHARED_STUDY, *HELD[1:])]
        with listing_of(archive, copy_home(region_home, tmp_path / "home")) as made:
            yield made


@contextmanager
def listing_of(archive: ListArchive, home: DemoHome) -> Iterator[Listing]:
    """Run the region in front of an archive."""
    made = _Home(home.folder, home.service, home.identity)
    _Home.archive = archive.url.replace("http://", "http://lists:p%40ss@")
    region = RegionWorld(made)
    yield Listing(region, archive, region.token(REPORTER, SHARED_STUDY))
    region.close()


def test_a_list_shows_what_the_agreements_open_and_nothing_else(listing: Listing) -> None:
    before = listing.region.size
    answer = listing.ask()
    assert (answer.status_code, answer.content_type) == (200, DICOM_JSON)
    assert json.loads(answer.get_data()) == [row(SHARED_STUDY)]
    for hidden in HELD:
        assert hidden not in answer.get_data(as_text=True)
    assert not {"Warning", "X-Total-Count"} & set(answer.headers.keys())
    (kept,) = listing.region.events(before)
    assert (kept.kind, kept.outcome, kept.source.id) == (EventKind.QUERY, Outcome.SUCCESS, ARCHIVE)
    assert (kept.detail["shown"], kept.detail["held_back"], kept.detail["more"]) == (1, 5, False)
    assert kept.authority.agreement_id == DIRECT_CARE
    assert answer.headers["X-Governance-Log-Index"] == str(kept.index)
    for hidden in (SHARED_STUDY, *HELD):
        assert hidden not in str(kept)


def test_the_archive_hears_nothing_of_the_caller_but_the_query(listing: Listing) -> None:
    listing.studies("/studies?PatientName=X*&includefield=00081030&limit=5&offset=0")
    (heard, _) = listing.archive.seen_headers
    assert heard["Authorization"].startswith("Basic ")
    assert listing.token not in str(heard)
    query = listing.archive.asked[0].partition("?")[2]
    assert query.split("&")[:2] == ["PatientName=X%2A", "includefield=00081030"]


def test_pages_are_filled_with_what_may_be_shown(listing: Listing) -> None:
    patient = {"patient": next(nhs_numbers(900_900)), "modality": "CT", "study_date": "2026-11-01"}
    listing.region.feed(
        "/catalogue/v1/studies", [{"id": uid, "custodians": ["RRK"], **patient} for uid in MORE_STUDIES]
    )
    tie = {"id": "lists-1", "kind": "worklist", "subject": REPORTER, "patient": patient["patient"], "ods": "RRK"}
    times = {"from": "2026-01-01T08:00:00Z", "until": "2030-01-01T08:00:00Z", "source": "ris-rrk"}
    listing.region.feed("/relationships/v1/edges", [tie | times])
    hidden = [row(f"1.2.3.{number}") for number in range(450)]
    shown = [row(uid) for uid in MORE_STUDIES]
    listing.archive.rows = [shown[0], *hidden[:220], *shown[1:3], *hidden[220:], *shown[3:]]
    assert listing.studies() == MORE_STUDIES
    assert listing.studies("/studies?limit=2") == MORE_STUDIES[:2]
    assert listing.studies("/studies?limit=2&offset=2") == MORE_STUDIES[2:4]
    assert listing.studies("/studies?limit=2&offset=4") == MORE_STUDIES[4:]
    assert listing.studies("/studies?limit=2&offset=5") == []
    assert "Warning" in listing.ask("/studies?limit=2&offset=2").headers
    assert "Warning" not in listing.ask("/studies?limit=1&offset=4").headers


@pytest.mark.parametrize(
    "path", ["/series", f"/studies/{SHARED_STUDY}/series", f"/series?StudyInstanceUID={SHARED_STUDY}"]
)
def test_series_are_listed_of_studies_that_may_be_seen(listing: Listing, path: str) -> None:
    own = [row(SHARED_STUDY, "1.2.3.1"), row(SHARED_STUDY, "1.2.3.2")]
    listing.archive.rows = own if "/studies/" in path else [*own, row(UNRELATED_STUDY, "1.2.3.3")]
    assert listing.studies(path) == [SHARED_STUDY, SHARED_STUDY]


@pytest.mark.parametrize("study", HELD)
def test_nothing_is_asked_about_a_study_that_may_not_be_seen(listing: Listing, study: str) -> None:
    for path in (f"/studies/{study}/series", f"/studies/{study}/instances", f"/studies/{study}/series/1.2/instances"):
        assert listing.studies(path) == []
    assert listing.archive.asked == []


def test_nothing_shows_after_a_suspension(listing: Listing) -> None:
    listing.region.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "Under review")
    refused = listing.ask()
    assert (refused.status_code, listing.archive.asked) == (401, [])


def test_a_suspension_while_the_archive_answers_leaves_no_answer(listing: Listing) -> None:
    def suspend() -> None:
        listing.archive.before = lambda: None
        listing.region.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "Under review")

    listing.archive.before = suspend
    refused = listing.ask()
    assert (refused.status_code, refused.get_json()["reason"]) == (503, "policy.changing")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Enforcement_Key": None}, 401),
        ({"X_Enforcement_Key": "wrong"}, 401),
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer x.y.z"}, 401),
        ({"Accept": 'multipart/related; type="application/dicom+xml"'}, 406),
        ({"Accept": "application/json"}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": None}, 200),
    ],
)
def test_who_asks_and_for_what_is_checked_first(listing: Listing, headers: dict[str, str | None], status: int) -> None:
    answer = listing.ask(**headers)
    assert answer.status_code == status
    assert bool(listing.archive.asked) is (status == 200)


@pytest.mark.parametrize(
    "query",
    [
        f"StudyInstanceUID={SHARED_STUDY}&0020000d={UNRELATED_STUDY}",
        f"StudyInstanceUID={SHARED_STUDY}&20,d={UNRELATED_STUDY}",
        f"StudyInstanceUID={SHARED_STUDY}&StudyInstanceUID=",
        "_method=delete",
        "limit=1&limit=2",
        "limit=-1",
        "offset=many",
        "patientname=X",
        "PatientName=a;b=c",
    ],
)
def test_a_query_that_might_be_read_otherwise_is_refused_and_kept(listing: Listing, query: str) -> None:
    before = listing.region.size
    answer = listing.ask(f"/studies?{query}")
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (403, "enforcement.unreadable")
    (kept,) = listing.region.events(before)
    assert (kept.kind, kept.detail["refused"]) == (EventKind.QUERY, "enforcement.unreadable")
    assert listing.archive.asked == []


_ROW = json.dumps(row(SHARED_STUDY))
_OTHER = json.dumps(row(UNRELATED_STUDY))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"[{}]",
        b"[NaN]",
        b"\xff\xfe",
        b"[" * 100_000,
        f"[{_ROW[:-1]}, {_OTHER[1:]}]".encode(),  # one row, its study named twice
        f'[{_ROW[:-1]}, "0020000d": {{"vr": "UI", "Value": ["{UNRELATED_STUDY}"]}}}}]'.encode(),
        f'[{{"0020000D": {{"vr": "UI", "Value": ["{SHARED_STUDY}", "{UNRELATED_STUDY}"]}}}}]'.encode(),
        f'[{{"0020000D": {{"vr": "LO", "Value": ["{SHARED_STUDY}"]}}}}]'.encode(),
        b'[{"0020000D": {"vr": "UI", "Value": [7]}}]',
        f"[{', '.join([_ROW] * 2)}]".encode(),
        b" " * (16 * 2**20 + 1),
    ],
    ids=range(14),
)
def test_a_hostile_answer_is_refused_whole(listing: Listing, body: bytes) -> None:
    listing.archive.body = body
    refused(listing)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (302, {"Location": "/dicom-web/studies", "Content-Type": DICOM_JSON}),
        (500, {"Content-Type": DICOM_JSON}),
        (206, {"Content-Type": DICOM_JSON}),
        (200, {"Content-Type": "application/dicom+xml"}),
        (200, {}),
        (200, {"Content-Type": DICOM_JSON, "Content-Encoding": "gzip"}),
    ],
)
def test_an_answer_of_another_kind_is_refused(listing: Listing, status: int, headers: dict[str, str]) -> None:
    listing.archive.status, listing.archive.headers = status, headers
    refused(listing)


def test_an_archive_that_does_not_page_is_refused(listing: Listing) -> None:
    listing.archive.pages = False
    refused(listing)


def test_an_archive_that_gives_more_than_was_asked_for_is_refused(listing: Listing) -> None:
    listing.archive.pages = False
    listing.archive.rows = [row(f"1.2.3.{number}") for number in range(201)]
    refused(listing)


def test_rows_of_another_study_than_was_asked_for_are_refused(listing: Listing) -> None:
    listing.archive.rows = [row(UNRELATED_STUDY, "1.2.3")]
    refused(listing, f"/studies/{SHARED_STUDY}/series")


def test_an_archive_with_nothing_gives_an_empty_list(listing: Listing) -> None:
    listing.archive.status, listing.archive.body, listing.archive.headers = 204, b"", {}
    assert listing.studies() == []


def test_an_archive_that_is_not_set_up_gives_no_list(listing: Listing) -> None:
    token = listing.region.token("staff.patient.rkb", OWN_STUDY, audience=network.audience("RKB"))
    answer = listing.ask(
        archive=network.archive_id("RKB"),
        Authorization=f"Bearer {token}",
        X_Enforcement_Key=listing.region.parties.enforcement_key("RKB"),
    )
    assert (answer.status_code, answer.get_json()["reason"]) == (404, "archive.unknown")


def test_a_list_that_cannot_be_recorded_is_not_shown(listing: Listing) -> None:
    listing.region.services.infrastructure.audit.close()
    answer = listing.ask()
    assert answer.status_code == 503
    assert SHARED_STUDY not in answer.get_data(as_text=True)


def test_rows_are_counted(listing: Listing) -> None:
    listing.studies()
    text = listing.region.services.infrastructure.metrics.render("")[0].decode()
    assert 'governance_list_rows_total{outcome="shown"} 1.0' in text
    assert 'governance_list_rows_total{outcome="held_back"} 5.0' in text


@pytest.mark.parametrize("behave", [drips_headers, drips_body, silence, breaks_off], ids=lambda each: each.__name__)
def test_an_archive_that_does_not_answer_whole_in_time_is_unavailable(
    region_home: DemoHome, tmp_path: Path, behave: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.archives.lists.SECONDS", 1.5)
    with (
        stranger(behave) as archive,
        listing_of(ListArchive(url=archive.url), copy_home(region_home, tmp_path / "home")) as listing,
    ):
        began = time.monotonic()
        answer = listing.ask()
    assert time.monotonic() - began < 30
    assert (answer.status_code, answer.get_json()["reason"]) == (503, "archive.unavailable")
    assert SHARED_STUDY not in answer.get_data(as_text=True)


def test_an_archive_that_sends_200_megabytes_is_refused(region_home: DemoHome, tmp_path: Path) -> None:
    with (
        stranger(two_hundred_megabytes_undeclared) as archive,
        listing_of(ListArchive(url=archive.url), copy_home(region_home, tmp_path / "home")) as listing,
    ):
        refused(listing)
    text = listing.region.services.infrastructure.metrics.render("")[0].decode()
    assert 'governance_outbound_calls_total{outcome="too_long",purpose="qido"} 1.0' in text


def refused(listing: Listing, path: str = "/studies") -> Any:
    """Hold an answer to be a refusal that shows nothing."""
    answer = listing.ask(path)
    assert (answer.status_code, answer.get_json()["reason"]) == (503, "archive.answer")
    for study in (SHARED_STUDY, *HELD):
        assert study not in answer.get_data(as_text=True)
