"""Asking and answering: who is asked, who may open it, what is kept, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from governance.alerts import Viewer
from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.inquiries import AnswerCode, Asked, Identity, InquiryState, MessageState
from governance.storage import Database
from tests.worlds.asking import (
    BASE,
    BEGAN,
    BOSS,
    MAILBOX,
    NIA,
    OFFICER,
    OTHER,
    OTHER_PATIENT,
    PATIENT,
    WHY,
    AskingWorld,
)


def test_a_question_is_asked_recorded_and_sent(world: AskingWorld) -> None:
    inquiry = world.asked()
    assert (inquiry.state, inquiry.asked, len(inquiry.looks)) == (InquiryState.OPEN, Asked.PERSON, 2)
    assert world.acts() == ["inquiry.asked"]
    assert not world.outbox.run_once()
    (letter,) = world.channel.sent
    assert letter.address == f"{NIA}@rrk.example"
    assert letter.link == f"{BASE}/console/asked/{inquiry.reference}"


def test_a_message_holds_a_reference_alone(world: AskingWorld) -> None:
    inquiry = world.asked()
    world.outbox.run_once()
    (letter,) = world.channel.sent
    assert inquiry.reference in letter.text
    said = f"{letter.subject} {letter.text} {letter.event}"
    for secret in (NIA, PATIENT, inquiry.patient, inquiry.person.subject, "RRK", "Birmingham", "CT", WHY, "HEAD"):
        assert secret not in said, secret


def test_one_question_is_open_for_a_person_and_a_patient(world: AskingWorld) -> None:
    first = world.asked()
    again = world.inquiries.ask(OFFICER, str(first.case), Asked.MANAGER, WHY)
    assert again.reference == first.reference
    other = world.look(patient=OTHER_PATIENT)
    with world.database.transaction() as session:
        beside = world.inquiries.open_in(
            session,
            subject=first.person.subject,
            patient=world.pseudonymiser.patient(OTHER_PATIENT),
            looks=[other],
            why=WHY,
        )
    assert beside.reference != first.reference
    assert beside.asked_by is None


def test_only_looks_of_this_person_at_this_patient_are_asked_about(world: AskingWorld) -> None:
    own = world.look()
    others = (world.look(OTHER), world.look(patient=OTHER_PATIENT))
    inquiry = world.inquiries.ask(OFFICER, world.alert(own, *others), Asked.PERSON, WHY)
    assert inquiry.looks == (own,)
    with world.database.transaction() as session, pytest.raises(InvalidInput):
        world.inquiries.open_in(
            session, subject=inquiry.person.subject, patient=world.pseudonymiser.patient("x"), looks=[own], why=WHY
        )


def test_nobody_but_who_was_asked_finds_it(world: AskingWorld, clock: FixedClock) -> None:
    reference = world.asked().reference
    inquiry, part = world.inquiries.opened(world.person(NIA), reference)
    assert part is Asked.PERSON
    strangers = [
        world.person(OTHER),
        world.person(BOSS),
        Identity(OFFICER.id, "RRK"),
        Identity(world.pseudonymiser.subject(NIA), "RKB"),  # her namesake at another trust
    ]
    refusals = []
    for who, asked in [*((one, reference) for one in strangers), (world.person(NIA), "q-none")]:
        with pytest.raises(NotFound) as refused:
            world.inquiries.opened(who, asked)
        refusals.append((refused.value.reason, refused.value.detail))
        with pytest.raises(NotFound):
            world.inquiries.answer(who, asked, AnswerCode.TREATING, "")
    assert len(set(refusals)) == 1
    assert world.inquiries.mine(world.person(NIA)) == (inquiry,)
    assert world.inquiries.mine(world.person(BOSS)) == ()
    clock.advance(timedelta(days=14))
    with pytest.raises(NotFound):
        world.inquiries.opened(world.person(NIA), reference)


def test_a_manager_who_is_asked_finds_it_and_the_person_does_not(world: AskingWorld) -> None:
    inquiry = world.asked(Asked.MANAGER)
    world.outbox.run_once()
    assert [letter.address for letter in world.channel.sent] == [f"{BOSS}@rrk.example"]
    assert world.inquiries.opened(world.person(BOSS), inquiry.reference)[1] is Asked.MANAGER
    assert world.inquiries.named(inquiry) == NIA
    with pytest.raises(NotFound):
        world.inquiries.opened(world.person(NIA), inquiry.reference)
    answered = world.inquiries.answer(world.person(BOSS), inquiry.reference, AnswerCode.TREATING, "She was on call")
    assert answered.answer is not None
    assert answered.answer.by is Asked.MANAGER


def test_what_is_shown_is_what_they_saw(world: AskingWorld) -> None:
    looks = world.inquiries.looks(world.asked())
    assert [(look.at, look.modality, look.custodian) for look in looks] == [
        (BEGAN, "CT", "RRK"),
        (BEGAN + timedelta(minutes=3), "CT", "RRK"),
    ]


def test_an_answer_is_given_once_recorded_and_its_words_are_sealed(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.answered(AnswerCode.ASKED_BY_COLLEAGUE, " Dr Ruth asked me to ")
    assert inquiry.state is InquiryState.ANSWERED
    assert world.acts() == ["inquiry.asked", "inquiry.answered"]
    assert inquiry.answer is not None
    assert "Ruth" not in str(inquiry.answer.sealed)
    with world.database.reading() as session:
        assert world.inquiries.words_in(session, inquiry) == "Dr Ruth asked me to"
    with pytest.raises(Conflict):
        world.inquiries.answer(world.person(NIA), inquiry.reference, AnswerCode.BY_MISTAKE, "")
    with world.database.transaction() as session:
        world.vault.destroy(session, inquiry.person.subject, clock.now())
    with world.database.reading() as session:
        assert world.inquiries.words_in(session, inquiry) is None


@pytest.mark.parametrize(
    ("code", "words", "fine"),
    [
        (AnswerCode.ASKED_BY_COLLEAGUE, " ", False),
        (AnswerCode.OTHER, "", False),
        (AnswerCode.OTHER, "x" * 2_001, False),
        (AnswerCode.OTHER, "x" * 2_000, True),
        (AnswerCode.BY_MISTAKE, "", True),
    ],
)
def test_some_answers_need_words(world: AskingWorld, code: AnswerCode, words: str, fine: bool) -> None:
    if fine:
        assert world.answered(code, words).state is InquiryState.ANSWERED
        return
    with pytest.raises(InvalidInput) as refused:
        world.answered(code, words)
    assert [fault.path for fault in refused.value.faults] == ["/words"]


def test_nobody_is_asked_about_their_own_record(world: AskingWorld) -> None:
    own = world.pseudonymiser.patient(PATIENT)
    world.staff(world.member(NIA, patient_key=own))
    with pytest.raises(Conflict) as refused:
        world.asked()
    assert refused.value.reason == "inquiry.own_record"
    assert world.acts() == []
    world.asked(Asked.MANAGER)
    world.staff(world.member(BOSS, patient_key=own))
    (inquiry,) = world.inquiries.of_case(OFFICER, world.alert(world.look()))
    with pytest.raises(NotFound):  # it became known that the manager is the patient
        world.inquiries.opened(world.person(BOSS), inquiry.reference)
    assert world.inquiries.mine(world.person(BOSS)) == ()


def test_who_cannot_be_asked_is_said(world: AskingWorld) -> None:
    world.managers.clear()
    with pytest.raises(Conflict) as no_manager:
        world.asked(Asked.MANAGER)
    assert no_manager.value.reason == "inquiry.no_manager"
    stranger = world.look("agency.nurse")
    alert = world.alert(
        stranger,
        subject=world.pseudonymiser.subject("agency.nurse"),
        subjects=(world.pseudonymiser.subject("agency.nurse"),),
    )
    with pytest.raises(Conflict) as unknown:
        world.inquiries.ask(OFFICER, alert, Asked.PERSON, WHY)
    assert unknown.value.reason == "inquiry.not_on_file"
    many = world.alert(world.look(), patient=None, about="RRK")
    with pytest.raises(Conflict) as nobody:
        world.inquiries.ask(OFFICER, many, Asked.PERSON, WHY)
    assert nobody.value.reason == "inquiry.nobody_to_ask"


def test_an_officer_of_another_trust_asks_nothing(world: AskingWorld) -> None:
    alert = world.alert(world.look())
    with pytest.raises(NotFound):
        world.inquiries.ask(Viewer("s-else", "RJE", person=True), alert, Asked.PERSON, WHY)
    with pytest.raises(Forbidden):
        world.inquiries.ask(Viewer(world.person(NIA).subject, "RRK", person=True), alert, Asked.PERSON, WHY)


def test_without_an_address_it_goes_to_the_privacy_mailbox_and_without_one_nowhere(
    database: Database, clock: FixedClock
) -> None:
    world = AskingWorld(database, clock).seeded()
    world.staff(world.member(NIA, contact=""))
    inquiry = world.asked()
    world.outbox.run_once()
    assert [letter.address for letter in world.channel.sent] == [MAILBOX]
    nowhere = AskingWorld(database, clock, mailboxes={})
    look = nowhere.look(patient=OTHER_PATIENT)
    with database.transaction() as session:
        unsent = nowhere.inquiries.open_in(
            session,
            subject=inquiry.person.subject,
            patient=nowhere.pseudonymiser.patient(OTHER_PATIENT),
            looks=[look],
            why=WHY,
        )
        assert nowhere.inquiries.messages_in(session, [unsent]) == {unsent.number: []}
    assert nowhere.inquiries.mine(nowhere.person(NIA))[0].reference == unsent.reference


def test_an_address_is_sealed_changed_taken_away_and_erased(world: AskingWorld, clock: FixedClock) -> None:
    nia = world.member(NIA)
    with world.database.reading() as session:
        assert world.contacts.of(session, nia) == f"{NIA}@rrk.example"
        rows = session.connection().exec_driver_sql("SELECT * FROM federation_contact").all()
        assert "example" not in str(rows)
    world.staff(replace(nia, contact="new@rrk.example"))
    world.staff(replace(nia, contact=None))  # a line that says nothing of it
    with world.database.reading() as session:
        assert world.contacts.of(session, nia) == "new@rrk.example"
    world.staff(replace(nia, contact=""))
    with world.database.reading() as session:
        assert not world.contacts.known(session, nia)
    world.staff(replace(nia, contact="new@rrk.example"))
    with world.database.transaction() as session:
        world.vault.destroy(session, nia.id, clock.now())
    with world.database.reading() as session:
        assert world.contacts.of(session, nia) is None
    world.staff(nia)
    with world.database.reading() as session:
        assert world.contacts.of(session, nia) is None


def test_an_answer_before_the_message_drops_it(world: AskingWorld) -> None:
    inquiry = world.answered()
    world.outbox.run_once()
    assert world.channel.sent == []
    with world.database.reading() as session:
        (message,) = world.inquiries.messages_in(session, [inquiry])[inquiry.number]
    assert message.state is MessageState.DROPPED
