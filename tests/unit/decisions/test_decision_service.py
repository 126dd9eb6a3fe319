"""A request in, a decision out, whatever happens on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.agreements import PolicyData
from governance.decisions import (
    Answer,
    DecisionService,
    EngineFault,
    Health,
    PolicyInformationPoint,
    PolicySource,
    RegorusEngine,
    StudyFilter,
)
from governance.errors import Unavailable
from governance.storage import Database
from governance.vocabulary import Action, Purpose, ReasonCode
from tests.peers.opa import engine_at
from tests.worlds.decisions import AI, NOW, Region, asking
from tests.worlds.policy import policy_data

CLAUSE: Mapping[str, Any] = {
    "effective_to": None,
    "obligations": [{"id": "care/1/1", "type": "watermark", "properties": {}}],
}


@pytest.fixture(scope="module")
def engine() -> RegorusEngine:
    made = RegorusEngine(PolicySource.from_directory())
    made.load(policy_data({"care/1": CLAUSE}))
    return made


def forgetful(region: Region) -> PolicyInformationPoint:
    """Make an information point that cannot count what an AI service read."""

    def uncountable(*_: object) -> int:
        raise OSError("the log is away")

    return PolicyInformationPoint(
        federation=region.federation,
        catalogue=region.catalogue,
        relationships=region.relationships,
        pseudonymiser=region.pseudonymiser,
        reads_today=uncountable,
    )


def test_a_radiologist_reads_what_was_ordered(region: Region, engine: RegorusEngine) -> None:
    decision = region.decide(engine, asking())
    assert decision.permit
    assert (decision.id, decision.decided_at, decision.revision) == ("d-1", NOW, "r-1")
    assert decision.agreement is not None
    assert (decision.agreement.id, decision.agreement.clause, decision.agreement.version) == ("care", "1", 3)
    assert [obligation.id for obligation in decision.obligations] == ["care/1/1"]


def test_questions_that_come_together_are_decided_as_each_alone(region: Region, engine: RegorusEngine) -> None:
    unsupported = asking(supported_obligations=frozenset())
    different = [
        asking(),
        unsupported,
        asking(study_uid="9.9.9"),
        asking(patient="9990000026"),
        asking(subject=AI),
        asking(break_glass_reason="cardiac arrest"),
        asking(purpose=Purpose.HRESCH),
        asking(study_uid=None, custodians=("RRK",)),
    ]
    alone = [region.decide(engine, one) for one in different]
    ids = iter(range(100))
    with region.database.reading() as session:
        service = DecisionService(engine, region.information)
        together = service.decide_all([*different, *different], session, NOW, lambda: f"d-{next(ids)}")
    assert [decision.id for decision in together] == [f"d-{place}" for place in range(16)], "each is one of its own"
    assert [replace(decision, id="d-1") for decision in together] == [*alone, *alone]
    assert len({decision.reasons for decision in alone}) > 3


def test_a_question_that_comes_twice_is_put_to_the_engine_once(region: Region) -> None:
    put: list[int] = []

    class Counting(RegorusEngine):
        def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
            put.append(len(policy_inputs))
            return super().evaluate_all(policy_inputs)

    counting = Counting(PolicySource.from_directory())
    counting.load(policy_data({"care/1": CLAUSE}))
    requests = [asking(), asking(supported_obligations=frozenset()), asking(purpose=Purpose.HRESCH)] * 10
    with region.database.reading() as session:
        decided = DecisionService(counting, region.information).decide_all(requests, session, NOW, lambda: "d")
    assert put == [2]
    assert [decision.permit for decision in decided] == [True, False, False] * 10


def test_of_questions_that_come_together_only_those_without_attributes_are_denied_for_it(region: Region) -> None:
    engine = RegorusEngine(PolicySource.from_directory())
    engine.load(policy_data({"care/1": CLAUSE}))
    with region.database.reading() as session:
        decided = DecisionService(engine, forgetful(region)).decide_all(
            [asking(), asking(subject=AI), asking()], session, NOW, lambda: "d"
        )
    assert [decision.permit for decision in decided] == [True, False, True]
    assert decided[1].reasons == (ReasonCode.ATTRIBUTES_UNAVAILABLE,)


def test_an_ai_service_reads_under_its_manifest(region: Region) -> None:
    engine = RegorusEngine(PolicySource.from_directory())
    engine.load(policy_data({"care/1": {**CLAUSE, "relationship": "not_required"}}))
    assert region.decide(engine, asking(subject=AI)).permit
    assert region.decide(engine, asking(subject=AI, purpose=Purpose.BTG)).reasons == (ReasonCode.AGREEMENT_NONE,)


def test_without_a_relationship_a_reason_opens_it(region: Region, engine: RegorusEngine) -> None:
    ended = region.edge(valid_until=NOW - timedelta(days=1))
    region.change(lambda session: region.relationships.upsert_edges(session, [ended]))
    denied = region.decide(engine, asking())
    assert (denied.permit, denied.reasons, denied.requestable) == (False, (ReasonCode.RELATIONSHIP_NONE,), True)
    opened = region.decide(engine, asking(break_glass_reason="cardiac arrest"))
    assert (opened.permit, opened.reasons) == (True, (ReasonCode.BREAK_GLASS_GRANTED,))
    assert [obligation.type for obligation in opened.obligations] == ["watermark", "notification", "review"]


def test_an_obligation_nobody_honours_is_a_denial(region: Region, engine: RegorusEngine) -> None:
    denied = region.decide(engine, asking(supported_obligations=frozenset({"blur"})))
    assert (denied.permit, denied.reasons) == (False, (ReasonCode.OBLIGATION_UNSUPPORTED,))
    assert denied.obligations == ()
    assert denied.agreement is not None
    assert region.decide(engine, asking(supported_obligations=frozenset({"watermark"}))).permit


def test_an_enforcement_point_need_not_fulfil_what_this_service_does(region: Region, engine: RegorusEngine) -> None:
    ended = region.edge(valid_until=NOW)
    region.change(lambda session: region.relationships.upsert_edges(session, [ended]))
    request = asking(break_glass_reason="cardiac arrest", supported_obligations=frozenset({"watermark"}))
    assert region.decide(engine, request).permit


def test_a_denial_needs_no_supported_obligation(region: Region, engine: RegorusEngine) -> None:
    denied = region.decide(engine, asking(action=Action.EXPORT, supported_obligations=frozenset()))
    assert denied.reasons == (ReasonCode.ACTION_NOT_COVERED,)


def test_attributes_that_cannot_be_read_are_a_denial(region: Region, engine: RegorusEngine, tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.sqlite")  # no tables
    with empty.reading() as session:
        decision = DecisionService(engine, region.information).decide(asking(), session, NOW, lambda: "d-1")
    empty.dispose()
    assert (decision.permit, decision.reasons) == (False, (ReasonCode.ATTRIBUTES_UNAVAILABLE,))
    assert decision.agreement is None
    assert decision.revision == "r-1"


def test_volume_that_cannot_be_counted_is_a_denial(region: Region, engine: RegorusEngine) -> None:
    with region.database.reading() as session:
        decision = DecisionService(engine, forgetful(region)).decide(asking(subject=AI), session, NOW, lambda: "d-1")
    assert decision.reasons == (ReasonCode.ATTRIBUTES_UNAVAILABLE,)


class BrokenEngine:
    """An engine that breaks in one way, each time it is asked."""

    name = "broken"
    revision = "r-9"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        raise self.error

    def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
        if isinstance(self.error, EngineFault):
            return [self.error] * len(policy_inputs)
        raise self.error

    def study_filter(self, policy_input: Mapping[str, Any]) -> StudyFilter:
        raise self.error

    def load(self, data: PolicyData) -> None:
        raise self.error

    def health(self) -> Health:
        return Health(ok=False, revision=None, detail="broken")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineFault(ReasonCode.ENGINE_TIMEOUT, "slow"), ReasonCode.ENGINE_TIMEOUT),
        (EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "away"), ReasonCode.ENGINE_UNAVAILABLE),
        (EngineFault(ReasonCode.ENGINE_UNDEFINED, "empty"), ReasonCode.ENGINE_UNDEFINED),
        (EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "nonsense"), ReasonCode.ENGINE_INVALID_ANSWER),
        (EngineFault(ReasonCode.POLICY_STALE, "old"), ReasonCode.POLICY_STALE),
        (RuntimeError("broke its contract"), ReasonCode.ENGINE_UNAVAILABLE),
    ],
)
def test_an_engine_that_fails_is_a_denial(region: Region, error: Exception, reason: ReasonCode) -> None:
    decision = region.decide(BrokenEngine(error), asking(break_glass_reason="cardiac arrest"))
    assert (decision.permit, decision.reasons, decision.requestable) == (False, (reason,), False)
    assert decision.revision == "r-9"


def test_an_engine_that_does_not_answer_each_question_is_a_denial_of_all(region: Region) -> None:
    class Careless(RegorusEngine):
        def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
            return super().evaluate_all(policy_inputs)[1:]

    careless = Careless(PolicySource.from_directory())
    careless.load(policy_data({"care/1": CLAUSE}))
    with region.database.reading() as session:
        decided = DecisionService(careless, region.information).decide_all(
            [asking(), asking(purpose=Purpose.HRESCH)], session, NOW, lambda: "d"
        )
    assert [decision.reasons for decision in decided] == [(ReasonCode.ENGINE_UNAVAILABLE,)] * 2


def test_nothing_loaded_is_a_denial(region: Region) -> None:
    policies = PolicySource.from_directory()
    for engine in (RegorusEngine(policies), engine_at("http://127.0.0.1:9", policies)):
        decision = region.decide(engine, asking())
        assert (decision.reasons, decision.revision) == ((ReasonCode.ENGINE_UNDEFINED,), "")


def test_the_same_revision_is_loaded_once(region: Region) -> None:
    service = DecisionService(RegorusEngine(PolicySource.from_directory()), region.information)
    assert not service.health().ok
    service.load(policy_data({}, revision="r-2"))
    service.load(PolicyData("r-2", {"revision": "would be refused"}))
    assert (service.revision, service.engine_name, service.health().ok) == ("r-2", "embedded", True)


class Obstinate(RegorusEngine):
    """An engine that can be made to take no policy data."""

    refuses = False

    def load(self, data: PolicyData) -> None:
        if self.refuses:
            raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "hung")
        super().load(data)


def test_policy_data_that_was_not_taken_closes_what_was_held_until_a_load_succeeds(region: Region) -> None:
    engine = Obstinate(PolicySource.from_directory())
    service = DecisionService(engine, region.information)
    before = policy_data({"care/1": CLAUSE}, revision="before")
    service.load(before)

    def asked() -> tuple[bool, tuple[ReasonCode, ...]]:
        with region.database.reading() as session:
            decision = service.decide(asking(), session, NOW, lambda: "d-1")
        return decision.permit, decision.reasons

    assert asked() == (True, (ReasonCode.AGREEMENT_PERMITS,))
    engine.refuses = True
    with pytest.raises(Unavailable):
        service.load(policy_data({}, {}, revision="suspended"))
    assert asked() == (False, (ReasonCode.POLICY_STALE,))
    assert not service.health().ok
    engine.refuses = False
    service.load(before)  # what it holds, yet not what it was given last: it is loaded
    assert asked() == (True, (ReasonCode.AGREEMENT_PERMITS,))
    assert service.health().ok
