"""Relationships on a real database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from governance.pseudonyms import Pseudonymiser
from governance.relationships import Between, Edge, Holder, KnownPatient, PatientContext, PatientFlag, Relationships
from governance.storage import Database
from governance.vocabulary import RelationshipKind

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIFETIME = timedelta(hours=24)


class World:
    """A real database, with the words to fill it and to ask it."""

    def __init__(self, database: Database, pseudonymiser: Pseudonymiser) -> None:
        self.database = database
        self.keyed = pseudonymiser
        self.relationships = Relationships(pseudonymiser, LIFETIME)
        self.patient = pseudonymiser.patient("9990000018")
        self.study = pseudonymiser.study("1.2.3")

    def edge(self, name: str, **changes: object) -> Edge:
        made = Edge(
            id=name,
            kind=RelationshipKind.ORDER,
            subject=self.keyed.subject("u-17"),
            patient=self.patient,
            study=None,
            ods="RRK",
            valid_from=NOW - timedelta(days=1),
            valid_until=NOW + timedelta(days=1),
            source="ris",
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def put(self, *edges: Edge) -> None:
        with self.database.transaction() as session:
            self.relationships.upsert_edges(session, edges)

    def put_patients(self, *patients: PatientContext) -> None:
        with self.database.transaction() as session:
            self.relationships.upsert_patients(session, patients)

    def holders(self, *names: str) -> tuple[Holder, ...]:
        """Give users or teams that are the only ones of their names."""
        return tuple(Holder(self.keyed.subject(name)) for name in names)

    def between(
        self,
        subject: str = "u-17",
        teams: tuple[str, ...] = (),
        at: datetime = NOW,
        custodians: tuple[str, ...] = ("RRK",),
        **named: str | None,
    ) -> list[str]:
        target = {"patient": self.patient, "study": self.study} | named
        holders = self.holders(subject, *teams)
        wanted = Between(holders, target["patient"], target["study"], custodians)
        beside = Between(holders, self.keyed.patient("9990000042"), self.keyed.study("4.2"), ("RXW",))
        with self.database.reading() as session:
            found = self.relationships.edges_between(session, wanted, at)
        with self.database.reading() as session:
            self.relationships.prepare(session, [beside, wanted], at)
            assert self.relationships.edges_between(session, wanted, at) == found, "read with others it is the same"
        return [edge.id for edge in found]

    def context(self, at: datetime = NOW) -> PatientContext | None:
        with self.database.reading() as session:
            found = self.relationships.patient(session, self.patient, at)
        with self.database.reading() as session:
            self.relationships.prepare(session, [Between(self.holders("u-17"), self.patient, None)], at)
            assert self.relationships.patient(session, self.patient, at) == found, "read with others it is the same"
        return found


@pytest.fixture
def world(database: Database, pseudonymiser: Pseudonymiser) -> World:
    return World(database, pseudonymiser)


def test_gives_back_the_edge_that_was_kept(world: World) -> None:
    kept = world.edge("a", study=world.study, valid_until=None)
    world.put(kept)

    with world.database.reading() as session:
        found = world.relationships.edges_between(
            session, Between(world.holders("u-17"), world.patient, world.study), NOW
        )
    assert found == (kept,)


def test_a_subject_may_be_named_plainly_or_by_pseudonym(world: World) -> None:
    world.put(world.edge("a"))

    assert world.between("u-17") == world.between(world.keyed.subject("u-17")) == ["a"]
    assert world.between("u-18") == []


def test_a_teams_edge_covers_its_members(world: World) -> None:
    world.put(world.edge("a", subject=world.keyed.subject("stroke-team")))

    assert world.between("u-18", ("night-team", "stroke-team")) == ["a"]
    assert world.between("u-18", ("night-team",)) == []


@pytest.mark.parametrize(
    ("offset", "found"), [(-86_401, []), (-86_400, ["a"]), (0, ["a"]), (86_399, ["a"]), (86_400, [])]
)
def test_an_edge_is_found_only_while_it_holds(world: World, offset: int, found: list[str]) -> None:
    world.put(world.edge("a"))

    assert world.between(at=NOW + timedelta(seconds=offset)) == found


def test_an_edge_that_names_the_patient_covers_priors(world: World) -> None:
    world.put(world.edge("a", study=world.keyed.study("9.9")))

    assert world.between() == ["a"]
    assert world.between(patient=world.keyed.patient("9990000026")) == []


def test_an_edge_that_names_both_never_matches_by_the_study_alone(world: World) -> None:
    world.put(world.edge("a", study=world.study))

    assert world.between(patient=world.keyed.patient("9990000026")) == []
    assert world.between(patient=None) == []


def test_an_edge_that_names_a_study_only_covers_that_study(world: World) -> None:
    world.put(world.edge("a", patient=None, study=world.study))

    assert world.between() == ["a"]
    assert world.between(study=world.keyed.study("9.9")) == []
    assert world.between(study=None) == []


def test_a_wide_edge_covers_what_its_trust_answers_for(world: World) -> None:
    world.put(world.edge("a", kind=RelationshipKind.POOL, patient=None))

    assert world.between(custodians=("RKB", "RRK")) == ["a"]
    assert world.between(custodians=("RKB",)) == []
    assert world.between(custodians=()) == []


def test_every_match_is_given_once_in_order(world: World) -> None:
    world.put(
        world.edge("d", kind=RelationshipKind.ROTA, patient=None),
        world.edge("c", patient=None, study=world.study),
        world.edge("b", study=world.study),
        world.edge("a"),
        world.edge("z", kind=RelationshipKind.MDT),
    )

    assert world.between() == ["z", "a", "b", "c", "d"]


def test_an_edge_sent_again_replaces_the_first(world: World) -> None:
    world.put(world.edge("a"))
    world.put(world.edge("a", valid_until=NOW - timedelta(hours=1)))

    assert world.between() == []


def test_knows_what_began_after_an_access(world: World) -> None:
    late = world.edge("late", valid_from=NOW + timedelta(hours=2), subject=world.keyed.subject("u-18"))
    world.put(world.edge("early"), late, world.edge("far", valid_from=NOW + timedelta(hours=80), valid_until=None))

    with world.database.reading() as session:
        found = world.relationships.edges_of_patient(session, world.patient, NOW, NOW + timedelta(hours=72))
    assert found == (late,)


def test_gives_back_the_patient_that_was_kept(world: World) -> None:
    kept = PatientContext(
        patient=world.patient,
        household_key="aGg=",
        surname_key="c24=",
        surname_share=0.25,
        postcode_key="cGM=",
        staff=world.keyed.subject("u-17"),
        flags=frozenset({PatientFlag.VIP, PatientFlag.INCIDENT}),
        deceased_on=date(2026, 11, 1),
        opt_out=False,
        opt_out_checked_at=NOW - timedelta(hours=1),
    )
    other = PatientContext(world.keyed.patient("9990000026"), household_key="aGg=")
    world.put_patients(kept, other)

    alone = replace(kept, opt_out=None, opt_out_checked_at=None)
    known = KnownPatient(kept.patient, (alone,), opt_out=False, opt_out_checked_at=NOW - timedelta(hours=1))
    assert world.context() == known
    with world.database.reading() as session:
        found = world.relationships.patients(session, [kept.patient, other.patient, "p-unknown"], NOW)
        assert found == {kept.patient: known, other.patient: KnownPatient(other.patient, (other,))}
        assert world.relationships.patients_said(session, [kept.patient]) == (alone,)
        assert world.relationships.patient(session, "p-unknown", NOW) is None
        assert world.relationships.household_size(session, "aGg=") == 2


def test_what_one_trust_says_of_a_patient_hides_nothing_that_another_says(world: World) -> None:
    person, other = world.keyed.subject("u-17"), world.keyed.subject("u-18")
    rrk = PatientContext(
        world.patient,
        household_key="aGg=",
        staff=person,
        flags=frozenset({PatientFlag.VIP}),
        deceased_on=date(2026, 11, 2),
        ods="RRK",
    )
    rkb = replace(rrk, household_key="b2g=", staff=other, flags=frozenset(), deceased_on=date(2026, 11, 1), ods="RKB")
    world.put_patients(rrk, PatientContext(world.patient), rkb)

    context = world.context()
    assert context is not None
    assert context.said == (PatientContext(world.patient), rkb, rrk)
    assert (context.staff, context.flags) == ({person, other}, {PatientFlag.VIP})
    assert (context.household_keys, context.deceased_on) == ({"aGg=", "b2g="}, date(2026, 11, 1))
    with world.database.reading() as session:
        assert world.relationships.household_size(session, "aGg=") == 1


def test_of_two_checks_of_a_patient_the_newer_is_kept(world: World) -> None:
    newer = replace(opted(world, opt_out=True, checked_at=NOW), ods="RKB")
    world.put_patients(newer, opted(world, opt_out=False, checked_at=NOW - timedelta(hours=1)))

    context = world.context()
    assert context is not None
    assert context.opt_out is True


def opted(world: World, *, opt_out: bool, checked_at: datetime) -> PatientContext:
    return PatientContext(world.patient, opt_out=opt_out, opt_out_checked_at=checked_at)


@pytest.mark.parametrize("opt_out", [True, False])
def test_an_opt_out_is_known_for_its_lifetime_and_then_unknown(world: World, opt_out: bool) -> None:
    checked = opted(world, opt_out=opt_out, checked_at=NOW)
    world.put_patients(checked)
    last = world.context(NOW + LIFETIME - timedelta(microseconds=1))
    assert last is not None
    assert (last.opt_out, last.opt_out_checked_at) == (opt_out, NOW)
    assert world.context(NOW + LIFETIME) is None, "nothing else is known of the patient"
    world.put_patients(replace(checked, household_key="aGg="))
    after = world.context(NOW + LIFETIME)
    assert after is not None
    assert (after.opt_out, after.opt_out_checked_at) == (None, None)


def test_an_older_check_never_replaces_a_newer(world: World) -> None:
    world.put_patients(opted(world, opt_out=True, checked_at=NOW))
    world.put_patients(opted(world, opt_out=False, checked_at=NOW - timedelta(hours=3)))

    context = world.context()
    assert context is not None
    assert context.opt_out is True


def test_a_patient_sent_again_without_a_check_keeps_the_cached_one(world: World) -> None:
    world.put_patients(opted(world, opt_out=True, checked_at=NOW))
    world.put_patients(PatientContext(world.patient, household_key="aGg="))

    context = world.context()
    assert context is not None
    assert (context.opt_out, context.household_keys) == (True, {"aGg="})


def test_expired_checks_are_purged_and_fresh_ones_are_not(world: World) -> None:
    fresh = PatientContext(world.keyed.patient("9990000026"), opt_out=True, opt_out_checked_at=NOW)
    world.put_patients(opted(world, opt_out=True, checked_at=NOW - LIFETIME), fresh)

    with world.database.transaction() as session:
        assert world.relationships.purge_opt_outs(session, NOW) == 1
        assert world.relationships.purge_opt_outs(session, NOW) == 0
    with world.database.reading() as session:
        kept = world.relationships.patient(session, fresh.patient, NOW)
    assert kept is not None
    assert (kept.opt_out, kept.opt_out_checked_at) == (True, NOW)
