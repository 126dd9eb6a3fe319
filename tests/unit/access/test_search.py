"""Each way to a study finds it, for a search of studies and one of subjects; and no answer mixes two policies."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from governance.access import Page, Searched
from governance.catalogue import Study
from governance.decisions import AccessRequest, PolicySource, RegorusEngine, RequestSubject
from governance.errors import Unavailable
from governance.federation import StaffMember, Trust
from governance.relationships import Edge
from governance.storage import Database
from governance.vocabulary import Action, Purpose, RelationshipKind, SubjectType
from tests.worlds.policy import policy_data
from tests.worlds.search import ASKER, NOW, VIEWER, SearchWorld, search_world

UID, OTHER = "1.2.826.0.1.3680043.10.1", "1.2.826.0.1.3680043.10.2"
USER, TEAM, PATIENT = "555021935107", "neuro", "local-1"
READER = RequestSubject(USER, SubjectType.PRACTITIONER, "clinician", "RKB", 3, managed_device=True)
ASKED = AccessRequest(READER, Action.READ, Purpose.TREAT)
ENGINE = RegorusEngine(PolicySource.from_directory())  # one: its machines belong to the thread that made them


@pytest.fixture
def world(database: Database) -> Iterator[SearchWorld]:
    """Two studies of RRK and one clinician at RKB, whom nothing ties to anybody yet."""
    with search_world(database, ENGINE, policy_data({"care/1": {}})) as made:
        names = made.pseudonymiser
        with database.transaction() as session:
            for ods in ("RKB", "RRK"):
                made.federation.register_trust(session, Trust(ods, ods))
            made.federation.register_client(session, VIEWER)
            member = StaffMember(names.subject(USER), "RKB", "clinician", team_ids=(TEAM,))
            made.federation.upsert_staff(session, [replace(member, training_valid_to=date(2027, 1, 1))])
            study = Study(UID, names.study(UID), ("RRK",), names.patient(PATIENT), "CT", "HEAD", date(2026, 11, 20))
            other = replace(study, study_uid=OTHER, study=names.study(OTHER), patient=names.patient("local-2"))
            made.catalogue.upsert(session, [study, other])
        yield made


def tie(world: SearchWorld, subject: str = USER, kind: str = "order", patient: str | None = None, **more: Any) -> None:
    """Put one edge on file."""
    names, study_uid = world.pseudonymiser, more.pop("study_uid", None)
    edge = Edge(
        id="e-1",
        kind=RelationshipKind(kind),
        subject=names.subject(subject),
        patient=names.patient(patient) if patient else None,
        study=names.study(study_uid) if study_uid else None,
        ods="RRK",
        valid_from=NOW - timedelta(days=1),
        valid_until=NOW + timedelta(days=1),
        source="orders",
    )
    with world.database.transaction() as session:
        world.relationships.upsert_edges(session, [replace(edge, **more)])


def studies(world: SearchWorld) -> set[str | None]:
    return {hit.study_uid for hit in world.hits(Searched.RESOURCE, ASKED)}


def found(world: SearchWorld) -> bool:
    """Say whether the clinician is found for the study."""
    wanted = replace(ASKED, subject=replace(READER, id="", role=None, ods=None), study_uid=UID)
    return [hit.subject.id for hit in world.hits(Searched.SUBJECT, wanted)] == [world.pseudonymiser.subject(USER)]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ({"patient": PATIENT}, {UID}),
        ({"patient": PATIENT, "study_uid": OTHER}, {UID}),  # the patient counts, whichever study is named
        ({"study_uid": UID}, {UID}),
        ({"subject": TEAM, "patient": PATIENT}, {UID}),
        ({"subject": TEAM, "study_uid": UID}, {UID}),
        ({"kind": "rota"}, {UID, OTHER}),
        ({"kind": "rota", "subject": TEAM}, {UID, OTHER}),
        ({"kind": "rota", "ods": "RKB"}, set()),
        ({"kind": "pool"}, set()),
        ({"patient": PATIENT, "valid_until": NOW}, set()),
        ({"patient": PATIENT, "valid_from": NOW + timedelta(hours=1)}, set()),
        ({"subject": "somebody-else", "patient": PATIENT}, set()),
    ],
)
def test_each_way_to_a_study_finds_it(world: SearchWorld, edge: dict[str, Any], expected: set[str]) -> None:
    assert studies(world) == set()
    tie(world, **edge)
    assert studies(world) == expected
    assert found(world) == (UID in expected)


def test_a_clause_that_asks_for_no_relationship_opens_what_it_covers(world: SearchWorld) -> None:
    world.data = policy_data({"care/1": {"relationship": "not_required"}}, revision="r-2")
    world.decisions.load(world.data)
    assert studies(world) == {UID, OTHER}
    assert found(world)


def test_a_search_takes_no_reason_of_a_persons(world: SearchWorld) -> None:
    tie(world, patient=PATIENT)
    with world.database.transaction() as session:
        study = world.catalogue.study(session, UID)
        assert study is not None
        world.catalogue.upsert(session, [replace(study, labels=frozenset({"sealed"}))])
    asked = replace(ASKED, break_glass_reason="cardiac arrest", self_claim_reason="on call")
    assert world.permits(replace(asked, study_uid=UID))
    assert world.hits(Searched.RESOURCE, asked) == []


def test_a_search_starts_again_when_the_agreements_changed_under_it(world: SearchWorld) -> None:
    tie(world, patient=PATIENT)
    old, new = world.data, policy_data({"care/1": {}}, revision="r-2")
    world.decisions.load(new)
    handed = iter([old, new])
    world.service._policy = lambda: next(handed)
    answer = world.service.search(Searched.RESOURCE, ASKED, ASKER, Page(10))
    assert (answer.revision, [hit.study_uid for hit in answer.hits]) == ("r-2", [UID])
    (event,) = world.audit.read(0, 10)
    assert event.detail["revision"] == "r-2"


def test_agreements_that_keep_changing_leave_no_answer_and_no_record(world: SearchWorld) -> None:
    tie(world, patient=PATIENT)
    world.decisions.load(policy_data({"care/1": {}}, revision="r-2"))
    with pytest.raises(Unavailable) as refused:
        world.service.search(Searched.RESOURCE, ASKED, ASKER, Page(10))
    assert refused.value.reason == "policy.changing"
    assert world.audit.read(0, 10) == []


def test_a_search_that_cannot_be_recorded_is_not_answered(world: SearchWorld) -> None:
    tie(world, patient=PATIENT)
    world.audit.close()
    with pytest.raises(Unavailable):
        world.service.search(Searched.RESOURCE, ASKED, ASKER, Page(10))
