"""Forgetting a person: only by two, never against a hold or an open case, and every proof still holds."""

import threading
from datetime import date, timedelta

import pytest

from governance.alerts import Viewer
from governance.audit import Query, checkpoint, merkle
from governance.clock import FixedClock
from governance.erasure import Erasure, LegalHolds, NewHold, Statement
from governance.erasure._tables import LegalHoldRow
from governance.erasure.holds import MATTER, NETWORK
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.federation import IdentityProvider, Person, Registered, StaffMember, Trust, person_name
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import EventKind, Role, Verdict
from tests.worlds.alerts import ORIGIN, AlertWorld, act, finding

PATIENT, NIA = "9990000018", "nia"
BOTH = ("ada", "grace")
OFFICER = Viewer("s-officer", "RRK", person=True)
OTHER = Viewer("s-other", "RKB", person=True)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    """Make the rooms that alerts stand on."""
    return AlertWorld(database, clock)


@pytest.fixture
def holds(world: AlertWorld) -> LegalHolds:
    """Make the holds of a region."""
    return LegalHolds(
        database=world.database,
        recorder=world.recorder,
        clock=world.clock,
        pseudonymiser=world.pseudonymiser,
        alerts=world.alerts,
        federation=world.federation,
        vault=world.vault,
    )


@pytest.fixture
def erasure(world: AlertWorld, holds: LegalHolds) -> Erasure:
    """Make the erasure of a region."""
    return Erasure(
        database=world.database,
        vault=world.vault,
        holds=holds,
        alerts=world.alerts,
        federation=world.federation,
        relationships=world.relationships,
        recorder=world.recorder,
        clock=world.clock,
        origin=ORIGIN,
    )


def test_what_was_sealed_is_gone_and_every_proof_holds(world: AlertWorld, erasure: Erasure) -> None:
    first, second = world.record([act("a-1", patient=PATIENT), act("a-2", patient="9990000026")])
    before = world.log.entry_bytes(first)
    patient = world.pseudonymiser.patient(PATIENT)
    index = erasure.erase(erasure.statement(patient, "Request of 3 November"), BOTH)
    assert world.log.reveal(world.log.entry(first)).patient is None
    assert world.log.reveal(world.log.entry(first)).subject == NIA
    assert world.log.reveal(world.log.entry(second)).patient == "9990000026"
    assert world.log.entry_bytes(first) == before
    proof = world.log.proof(first)
    root = checkpoint.parse(proof.checkpoint).checkpoint.root
    assert merkle.verify_inclusion(merkle.leaf_hash(before), first, proof.size, proof.hashes, root)
    record = world.log.entry(index)
    assert record.kind is EventKind.CONFIG
    assert record.detail["erased"] == patient
    assert record.detail["approved_by"] == ["ada", "grace"]
    assert "November" not in world.log.entry_bytes(index).decode()


def test_one_person_alone_erases_nobody(world: AlertWorld, erasure: Erasure) -> None:
    (index,) = world.record([act("a-1", patient=PATIENT)])
    statement = erasure.statement(world.pseudonymiser.patient(PATIENT), "asked")
    for alone in ((), ("ada",), ("ada", "ada")):
        with pytest.raises(InvalidInput):
            erasure.erase(statement, alone)
    assert world.log.reveal(world.log.entry(index)).patient == PATIENT


def test_a_statement_is_for_one_person_one_service_and_a_fortnight(world: AlertWorld, erasure: Erasure) -> None:
    patient = world.pseudonymiser.patient(PATIENT)
    statement = erasure.statement(patient, "asked\nby letter")
    assert Statement.parse(statement.text()) == statement
    for broken in ("", statement.text() + "\n", statement.text().replace("person", "people")):
        with pytest.raises(InvalidInput):
            Statement.parse(broken)
    with pytest.raises(InvalidInput):
        erasure.erase(Statement(patient, "elsewhere.example/log", "asked", statement.asked_on), BOTH)
    world.clock.advance(timedelta(days=15))
    with pytest.raises(InvalidInput):
        erasure.erase(statement, BOTH)
    for nobody in (PATIENT, "t-" + patient[2:], "p-short"):
        with pytest.raises(InvalidInput):
            erasure.statement(nobody, "asked")


def test_a_hold_forbids_it_until_it_is_ended(world: AlertWorld, erasure: Erasure, holds: LegalHolds) -> None:
    (index,) = world.record([act("a-1", patient=PATIENT)])
    statement = erasure.statement(world.pseudonymiser.patient(PATIENT), "asked")
    hold = holds.set(OTHER, None, NewHold("A claim", patient=PATIENT))
    with pytest.raises(Conflict) as refused:
        erasure.erase(statement, BOTH)
    assert refused.value.reason == "erasure.held"
    with pytest.raises(NotFound):
        holds.end(OFFICER, None, hold.id, "not mine")
    assert holds.list(OFFICER) == []
    assert [one.id for one in holds.list(OTHER)] == [one.id for one in holds.list(NETWORK)] == [hold.id]
    ended = holds.end(OTHER, None, hold.id, "Settled")
    assert (ended.ended_by, ended.end_reason) == (OTHER.id, "Settled")
    with pytest.raises(Conflict):
        holds.end(OTHER, None, hold.id, "again")
    assert holds.list(NETWORK) == []
    assert [one.id for one in holds.list(NETWORK, ended=True)] == [hold.id]
    erasure.erase(statement, BOTH)
    assert world.log.reveal(world.log.entry(index)).patient is None
    said = [event.detail for event in world.search.find(Query(kind=EventKind.CONFIG), 10, newest_first=False)]
    assert [detail.get("hold", "erased") for detail in said] == ["set", "ended", "erased"]
    assert "claim" not in str(said).lower()


def test_a_hold_that_is_being_set_is_waited_for(world: AlertWorld, erasure: Erasure) -> None:
    (index,) = world.record([act("a-1", patient=PATIENT)])
    patient = world.pseudonymiser.patient(PATIENT)
    statement, refused = erasure.statement(patient, "asked"), []

    def erase() -> None:
        try:
            erasure.erase(statement, BOTH)
        except Conflict as error:
            refused.append(error.reason)

    eraser = threading.Thread(target=erase)
    with world.database.transaction() as session:
        exclusive(session, MATTER)
        row = LegalHoldRow(id="h-1", person=patient, reason="why", set_by="x", set_at=world.clock.now())
        session.add(row)
        session.flush()
        eraser.start()
        eraser.join(0.3)  # it can end only after this block
        assert eraser.is_alive()
    eraser.join(30)
    assert refused == ["erasure.held"]
    assert world.log.reveal(world.log.entry(index)).patient == PATIENT


def test_who_was_never_seen_or_is_erased_already_is_not_erased(world: AlertWorld, erasure: Erasure) -> None:
    world.record([act("a-1", patient=PATIENT)])
    nobody, patient = (world.pseudonymiser.patient(number) for number in ("9990000042", PATIENT))
    for attempt in (erasure.examine, lambda wanted: erasure.erase(wanted, BOTH)):
        with pytest.raises(NotFound):
            attempt(erasure.statement(nobody, "asked"))
    erasure.erase(erasure.statement(patient, "asked"), BOTH)
    for attempt in (erasure.examine, lambda wanted: erasure.erase(wanted, BOTH)):
        with pytest.raises(Conflict) as refused:
            attempt(erasure.statement(patient, "asked"))
        assert refused.value.reason == "erasure.done"


def _case(world: AlertWorld) -> tuple[str, str, str]:
    """Raise an alert of RRK about NIA's access to the patient; gives it and the two pseudonyms."""
    (index,) = world.record([act("a-1", patient=PATIENT)])
    subject, patient = world.pseudonymiser.subject(NIA), world.pseudonymiser.patient(PATIENT)
    raised = finding(
        subject=subject, subjects=(subject,), about=patient, patient=patient, trusts=("RRK",), events=(index,)
    )
    return world.raise_all(raised)[0][0], subject, patient


def test_a_held_case_holds_whoever_it_names(world: AlertWorld, erasure: Erasure, holds: LegalHolds) -> None:
    alert, subject, patient = _case(world)
    world.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "fine")
    with pytest.raises(NotFound):
        holds.set(OTHER, None, NewHold("not mine", case=alert))
    holds.set(OFFICER, None, NewHold("An inquiry", case=alert))
    for person in (subject, patient):
        with pytest.raises(Conflict) as refused:
            erasure.erase(erasure.statement(person, "asked"), BOTH)
        assert refused.value.reason == "erasure.held"


def _employ(world: AlertWorld, *staff: tuple[str, str, date | None]) -> None:
    """Put people called NIA on file: of which trust, named by which national issuer, and their last day."""
    name = world.pseudonymiser.subject(NIA)
    with world.database.transaction() as session:
        world.federation.upsert_staff(
            session, [StaffMember(name, ods, "clinician", issuer=by, leaves_on=last) for ods, by, last in staff]
        )


def _account(world: AlertWorld, ods: str) -> None:
    """Give somebody called NIA an account at a trust's own provider."""
    issuer = f"https://id.{ods.lower()}.example"
    with world.database.transaction() as session:
        world.federation.register_trust(session, Trust(ods, ods))
        world.federation.register_identity_provider(session, IdentityProvider(issuer, ods, f"{issuer}/jwks", ("us",)))
        world.federation.register_person(session, Person(issuer, NIA, ods, frozenset({Role.IG_OFFICER})))


def _delete_account(world: AlertWorld, ods: str) -> None:
    with world.database.transaction() as session:
        name = person_name(ods, world.pseudonymiser.subject(NIA))
        standing = world.federation.standing(session, Registered.PERSON, name)
        world.federation.register_standing(session, standing.deleted(world.clock.now()))


def test_nobody_is_erased_in_a_namesakes_place(world: AlertWorld, erasure: Erasure) -> None:
    """RKB's and RRK's NIA are two people with one data key: erasing one would erase the other, whoever is meant."""
    (index,) = world.record([act("a-1", patient=PATIENT)])
    statement = erasure.statement(world.pseudonymiser.subject(NIA), "asked")
    today = world.clock.now().date()

    def refused() -> str:
        for attempt in (erasure.examine, lambda wanted: erasure.erase(wanted, BOTH)):
            with pytest.raises(Conflict) as told:
                attempt(statement)
            assert told.value.reason == "erasure.namesakes"
        assert world.log.reveal(world.log.entry(index)).subject == NIA
        return told.value.detail

    _employ(world, ("RKB", "", None), ("RRK", "", None))
    assert "at RKB, RRK" in refused()
    assert "still there: RKB, RRK." in refused()
    _employ(world, ("RKB", "", today - timedelta(days=1)), ("RRK", "", today))
    assert "still there: RRK." in refused()
    _employ(world, ("RRK", "", today - timedelta(days=1)))
    erasure.examine(statement)
    _account(world, "RL4")
    assert "still there: RL4." in refused()
    _delete_account(world, "RL4")
    world.clock.advance(timedelta(days=1))
    erasure.erase(statement, BOTH)
    assert world.log.reveal(world.log.entry(index)).subject is None


@pytest.mark.parametrize(
    "staff",
    [[], [("RKB", "", None)], [("RKB", "https://national.example", None), ("RRK", "https://national.example", None)]],
    ids=["nobody", "one trust's", "one of a national issuer at two trusts"],
)
def test_one_person_is_erased_wherever_they_work(
    world: AlertWorld, erasure: Erasure, staff: list[tuple[str, str, date | None]]
) -> None:
    (index,) = world.record([act("a-1", patient=PATIENT)])
    _employ(world, *staff)
    erasure.erase(erasure.statement(world.pseudonymiser.subject(NIA), "asked"), BOTH)
    assert world.log.reveal(world.log.entry(index)).subject is None


def test_a_trust_holds_its_own_staff_and_the_network_anybodys(world: AlertWorld, holds: LegalHolds) -> None:
    """Whoever asks for another trust's learns nothing: nobody of that name, and somebody elsewhere, are one answer."""
    _employ(world, ("RKB", "", None))
    _account(world, "RRK")
    for staff in (NIA, world.pseudonymiser.subject(NIA)):
        for own in (OTHER, OFFICER, NETWORK):
            assert holds.set(own, None, NewHold("why", staff=staff)).person == world.pseudonymiser.subject(NIA)
    told = []
    for staff in (NIA, world.pseudonymiser.subject(NIA), "never.seen"):
        with pytest.raises(Forbidden) as refused:
            holds.set(Viewer("s-third", "RWP", person=True), None, NewHold("why", staff=staff))
        told.append((refused.value.reason, refused.value.detail))
    assert set(told) == {("hold.not_yours", "This is not yours to hold. /staff: is nobody of your trust on file")}


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (NewHold("why", patient="123"), "/patient"),
        (NewHold("why", patient="9990000019"), "/patient"),
        (NewHold("why", patient="s-" + "a" * 26), "/patient"),
        (NewHold("why", patient="p-" + "a" * 26), "/patient"),
        (NewHold("why", staff="p-" + "a" * 26), "/staff"),
        (NewHold("why", staff="s-" + "a" * 26), "/staff"),
        (NewHold("why", staff="never.seen"), "/staff"),
    ],
)
def test_a_hold_on_nobody_is_refused_by_its_field(holds: LegalHolds, wanted: NewHold, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        holds.set(NETWORK, None, wanted)
    assert [fault.path for fault in refused.value.faults] == [path]
    assert holds.list(NETWORK) == []


def test_a_hold_on_whom_something_is_sealed_for_is_taken_by_pseudonym(world: AlertWorld, holds: LegalHolds) -> None:
    world.record([act("a-1", patient=PATIENT)])
    patient, subject = world.pseudonymiser.patient(PATIENT), world.pseudonymiser.subject(NIA)
    for wanted in (NewHold("w", patient=patient), NewHold("w", patient="999 000 0018"), NewHold("w", staff=subject)):
        assert holds.set(NETWORK, None, wanted).person in {patient, subject}


def test_whoever_was_erased_is_held_no_more(world: AlertWorld, erasure: Erasure, holds: LegalHolds) -> None:
    world.record([act("a-1", patient=PATIENT)])
    erasure.erase(erasure.statement(world.pseudonymiser.patient(PATIENT), "asked"), BOTH)
    for patient in (PATIENT, world.pseudonymiser.patient(PATIENT)):
        with pytest.raises(Conflict) as refused:
            holds.set(OFFICER, None, NewHold("late", patient=patient))
        assert refused.value.reason == "erasure.done"


def test_an_open_case_keeps_who_looked_but_not_the_patient(world: AlertWorld, erasure: Erasure) -> None:
    alert, subject, patient = _case(world)
    with pytest.raises(Conflict) as refused:
        erasure.erase(erasure.statement(subject, "asked"), BOTH)
    assert refused.value.reason == "erasure.case_open"
    erasure.erase(erasure.statement(patient, "asked"), BOTH)
    world.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "fine")
    erasure.erase(erasure.statement(subject, "asked"), BOTH)
    assert world.log.reveal(world.log.entry(0)).subject is None


@pytest.mark.parametrize(
    "wanted",
    [NewHold("why"), NewHold("why", patient=PATIENT, staff=NIA), NewHold(" ", patient=PATIENT), NewHold("x" * 2_001)],
    ids=["nothing", "two", "no reason", "too long"],
)
def test_a_hold_is_on_one_thing_and_says_why(holds: LegalHolds, wanted: NewHold) -> None:
    with pytest.raises(InvalidInput):
        holds.set(OFFICER, None, wanted)
