"""Token exchange in the whole region: what is decided, what is kept, and what an answer never tells."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance.clock import FixedClock
from governance.commands._demo_home import DemoHome
from governance.simulation import network, showcase
from governance.simulation.identity_provider import load_accounts
from governance.simulation.showcase import DECOY_STUDY, OWN_STUDY, REPORTER, SEALED_STUDY, SHARED_STUDY, UNRELATED_STUDY
from governance.vocabulary import EventKind, Outcome
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, SHORT_AGREEMENT, SHORT_PURPOSE, VIEWER, RegionWorld, copy_home

LOOKS = range(1, 6)  # an exchange looks at the clock for the client, the subject, the decision, the token, the record
NOWHERE = "1.2.826.0.1.3680043.10.1999.9.9"


class TurningClock(FixedClock):
    """A clock at which something happens: once, at a look of the thread that wound it."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._looks = 0
        self._then: Callable[[], object] | None = None
        self._thread = 0

    def wind(self, looks: int, then: Callable[[], object]) -> None:
        """Let ``then`` happen just before the look of that number is answered."""
        self._looks, self._then, self._thread = looks, then, threading.get_ident()

    @property
    def rang(self) -> bool:
        """Say whether it happened."""
        return self._then is None

    def now(self) -> datetime:
        """Tell the time, and let happen what is due."""
        if self._then is not None and threading.get_ident() == self._thread:
            self._looks -= 1
            if self._looks == 0:
                then, self._then = self._then, None
                then()
        return super().now()


@pytest.fixture
def turning(region_home: DemoHome, tmp_path: Path) -> Iterator[tuple[RegionWorld, TurningClock]]:
    """Run the region with a clock at which something can happen in the middle of a request."""
    clock = TurningClock(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30))
    world = RegionWorld(copy_home(region_home, tmp_path / "home"), clock)
    yield world, clock
    world.close()


def test_the_decision_and_the_token_are_in_the_log_before_the_answer(region: RegionWorld) -> None:
    before = region.size
    body = region.exchange(REPORTER, SHARED_STUDY).get_json()
    decision, token = region.events(before)
    assert (decision.kind, token.kind) == (EventKind.DECISION, EventKind.TOKEN)
    assert decision.detail["permit"] is True
    assert decision.detail["asked_by"] == "viewer-rkb"
    assert decision.authority.agreement_id == token.authority.agreement_id == DIRECT_CARE
    assert decision.authority.decision_id == token.authority.decision_id
    assert token.detail["act"] == "issue"
    assert token.resource == decision.resource
    claims = region.services.registers.tokens.verify_access(body["access_token"], network.audience("RRK"))
    assert (claims.jti, claims.decision_id) == (token.authority.token_jti, token.authority.decision_id)


def test_neither_the_token_nor_anybody_s_identifier_is_kept(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    entries = b"".join(region.services.infrastructure.audit.entry_bytes(index) for index in range(region.size))
    assert DIRECT_CARE.encode() in entries
    assert SHARED_STUDY.encode() not in entries
    region.close()
    kept = b"".join(path.read_bytes() for path in region.home.folder.glob("demo.sqlite*"))
    assert DIRECT_CARE.encode() in kept
    numbers = [str(row["id"]) for row in showcase.patients(load_accounts())]
    for identifier in (token, token.rsplit(".", 1)[1], REPORTER, *numbers):
        assert identifier.encode() not in kept


def test_what_does_not_exist_and_what_is_not_ones_own_sound_alike_and_leave_a_trace(region: RegionWorld) -> None:
    before = region.size
    answers = [
        region.exchange(REPORTER, NOWHERE),
        region.exchange(REPORTER, OWN_STUDY),  # of RKB, asked at RRK's archive
        region.exchange(REPORTER, SHARED_STUDY, audience="https://archive.nowhere.example/dicom-web"),
        region.exchange(REPORTER, SHARED_STUDY, audience=network.audience("RBK")),
        region.exchange(REPORTER, SHARED_STUDY, client_id=network.archive_id("RKB")),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.get_data() for answer in answers}) == 1
    assert answers[0].get_json()["error"] == "invalid_target"
    kept = region.events(before)
    assert [(event.kind, event.outcome, event.detail["act"]) for event in kept] == [
        (EventKind.TOKEN, Outcome.MINOR, "refuse")
    ] * (len(answers) - 1)  # the fourth is the third again to the log: a target is whatever the client wrote
    person = region.services.infrastructure.pseudonymiser.subject(REPORTER)
    assert all(event.subject is not None and event.subject.id == person for event in kept)
    assert all(event.authority.token_jti is None for event in kept)
    assert [event.resource.custodian for event in kept if event.resource] == [None, "RKB", "RRK", "RRK"]


def test_a_persons_identity_is_of_no_use_to_another_trusts_services(region: RegionWorld) -> None:
    before = region.size
    answer = region.exchange("radiologist.rrk", SHARED_STUDY)  # a person of RRK in the hands of RKB's viewer
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")
    (kept,) = region.events(before)
    assert (kept.kind, kept.detail["act"], kept.detail["client"]) == (EventKind.TOKEN, "refuse", VIEWER)


def test_a_denial_says_where_it_is_kept_and_nothing_of_the_patient(region: RegionWorld) -> None:
    body = region.exchange(REPORTER, UNRELATED_STUDY)
    told = body.get_json()
    assert body.status_code == 403
    assert told.keys() == {"error", "error_description", "decision_id", "log_index", "reasons", "requestable"}
    assert told["error"] == "access_denied"
    assert "relationship.none" in told["reasons"]
    kept = region.services.infrastructure.audit.entry(told["log_index"])
    assert (kept.kind, kept.authority.decision_id) == (EventKind.DECISION, told["decision_id"])
    assert kept.detail["permit"] is False


def test_a_denial_never_tells_that_a_record_is_sealed_or_a_decoy(region: RegionWorld) -> None:
    sealed = region.exchange(REPORTER, SEALED_STUDY).get_json()
    assert sealed["reasons"] == ["request.refused"]
    assert sealed["requestable"] is True
    whole = region.services.infrastructure.audit.entry(sealed["log_index"]).detail["reasons"]
    assert whole == ["break_glass.required"]
    decoy = region.exchange(REPORTER, DECOY_STUDY).get_json()
    plain = region.exchange(REPORTER, UNRELATED_STUDY).get_json()
    assert {**decoy, "decision_id": 0, "log_index": 0} == {**plain, "decision_id": 0, "log_index": 0}


def test_breaking_the_glass_opens_with_a_reason_and_is_kept_as_such(region: RegionWorld) -> None:
    assert region.exchange(REPORTER, SEALED_STUDY, purpose="BTG").status_code == 403
    before = region.size
    answer = region.exchange(REPORTER, SEALED_STUDY, purpose="BTG", break_glass_reason="Collapsed in resus")
    assert answer.status_code == 200, answer.get_json()
    decision, _ = region.events(before)
    assert decision.break_glass is True
    assert "break_glass.granted" in decision.detail["reasons"]
    assert "notification" in " ".join(decision.detail["obligations"])


def test_a_claimed_relationship_is_kept_as_claimed(region: RegionWorld) -> None:
    before = region.size
    answer = region.exchange("clinician.rkb", UNRELATED_STUDY, self_claim_reason="On call, transferred tonight")
    assert answer.status_code == 200, answer.get_json()
    decision, token = region.events(before)
    assert decision.detail["self_claimed"] is True
    assert "relationship.self_claimed" in decision.detail["reasons"]
    assert token.authority.agreement_id == DIRECT_CARE


def test_a_token_lives_as_long_as_its_clause_says(region: RegionWorld) -> None:
    body = region.exchange(REPORTER, UNRELATED_STUDY, purpose=SHORT_PURPOSE).get_json()
    assert body["expires_in"] == 1
    claims = region.services.registers.tokens.verify_access(body["access_token"], network.audience("RRK"))
    assert claims.agreement is not None
    assert claims.agreement.id == SHORT_AGREEMENT


def test_no_record_no_token(region: RegionWorld) -> None:
    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)
    region.services.infrastructure.audit.close()
    answer = region.post_form("/oauth/token", form)
    assert (answer.status_code, answer.get_json()["error"]) == (503, "temporarily_unavailable")
    assert "access_token" not in answer.get_json()
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("looks", LOOKS)
def test_a_token_that_could_not_be_recorded_is_not_handed_out(
    turning: tuple[RegionWorld, TurningClock], looks: int
) -> None:
    """Whenever the log fails in the middle of an exchange, either the token is in it or nobody has the token."""
    region, clock = turning
    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)
    before = region.size
    clock.wind(looks, region.services.infrastructure.audit.close)
    answer = region.post_form("/oauth/token", form)
    assert clock.rang
    assert answer.status_code == 503
    assert "access_token" not in answer.get_json()
    assert not [event for event in region.events(before) if event.kind is EventKind.TOKEN]


@pytest.mark.usefixtures("blocks_may_nest")
@pytest.mark.parametrize("looks", LOOKS)
def test_no_token_outlives_an_agreement_suspended_while_it_was_made(
    turning: tuple[RegionWorld, TurningClock], looks: int
) -> None:
    """Whenever the suspension falls in the middle of an exchange, the token is dead or was never handed out."""
    region, clock = turning
    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)

    def suspend() -> None:
        region.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "Under review")
        clock.advance(timedelta(seconds=2))

    clock.wind(looks, suspend)
    answer = region.post_form("/oauth/token", form)
    assert clock.rang
    if answer.status_code == 200:
        refused = region.enforce(f"/dicom-web/studies/{SHARED_STUDY}", answer.get_json()["access_token"])
        assert refused.status_code == 401, "the token lives on"
    else:
        assert answer.get_json()["error"] == "access_denied"
