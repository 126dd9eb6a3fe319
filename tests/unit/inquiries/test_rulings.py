"""What an officer makes of an answer: who may, what it explains from then on, and what it never does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from governance.alerts import Viewer
from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.inquiries import AnswerCode, Asked, InquiryState
from governance.relationships import Between, Holder
from governance.vocabulary import EventKind
from tests.worlds.asking import BEGAN, BOSS, NIA, OFFICER, PATIENT, WHY, AskingWorld


def test_a_confirmed_answer_explains_these_looks_around_those_days_and_nothing_else(world: AskingWorld) -> None:
    inquiry = world.answered()
    done = world.inquiries.confirm(OFFICER, str(inquiry.case), inquiry.reference, "The rota shows it.")
    assert done.state is InquiryState.CONFIRMED
    with world.database.reading() as session:
        (known,) = world.inquiries.confirmed(session, [inquiry.person.subject, "s-other"])
    assert (known.person, known.patient) == (inquiry.person, inquiry.patient)
    assert done.ruling is not None
    assert known.known_since == done.ruling.index
    later = known.known_since + 1
    assert known.explains(BEGAN, later)
    assert known.explains(BEGAN + timedelta(days=1), later)
    assert not known.explains(BEGAN + timedelta(days=3), later)
    assert not known.explains(BEGAN - timedelta(days=2), later)
    assert not known.explains(BEGAN, known.known_since)  # nobody knew it then


def test_the_record_of_it_is_about_who_looked_and_says_which_days(world: AskingWorld) -> None:
    inquiry = world.answered()
    done = world.inquiries.confirm(OFFICER, str(inquiry.case), inquiry.reference, "The rota shows it.")
    assert done.ruling is not None
    assert done.ruling.index is not None
    (event,) = world.log.read(done.ruling.index, done.ruling.index + 1)
    assert event.kind is EventKind.CONFIG
    assert event.subject is not None
    assert event.resource is not None
    assert (event.subject.id, event.subject.ods) == (inquiry.person.subject, "RRK")
    assert event.resource.patient == inquiry.patient
    assert event.detail == {
        "act": "relationship.confirmed",
        "inquiry": inquiry.reference,
        "alert": inquiry.case,
        "by": OFFICER.id,
        "from": "2026-11-22T00:00:00+00:00",
        "until": "2026-11-25T00:00:00+00:00",
    }


def test_a_confirmed_answer_is_no_relationship(world: AskingWorld) -> None:
    """What decides reads relationships, and there is none more than before."""
    inquiry = world.answered()
    world.inquiries.confirm(OFFICER, str(inquiry.case), inquiry.reference, "The rota shows it.")
    holder = Holder(inquiry.person.subject, "RRK", "RRK")
    with world.database.reading() as session:
        assert world.relationships.edges_between(session, Between((holder,), inquiry.patient, None), BEGAN) == ()
        assert world.relationships.edges_to(session, inquiry.patient, None, BEGAN) == ()


def test_a_rejected_answer_explains_nothing(world: AskingWorld) -> None:
    inquiry = world.answered()
    done = world.inquiries.reject(OFFICER, str(inquiry.case), inquiry.reference, "Nobody else remembers that.")
    assert done.state is InquiryState.REJECTED
    assert world.acts()[-1] == "inquiry.rejected"
    with world.database.reading() as session:
        assert world.inquiries.confirmed(session, [inquiry.person.subject]) == ()


def test_an_answer_is_ruled_on_once_with_a_reason_and_only_when_there_is_one(world: AskingWorld) -> None:
    inquiry = world.asked()
    case = str(inquiry.case)
    with pytest.raises(Conflict):
        world.inquiries.confirm(OFFICER, case, inquiry.reference, "Because.")
    inquiry = world.inquiries.answer(world.person(NIA), inquiry.reference, AnswerCode.TREATING, "words")
    with pytest.raises(InvalidInput):
        world.inquiries.confirm(OFFICER, case, inquiry.reference, "  ")
    world.inquiries.confirm(OFFICER, case, inquiry.reference, "Because.")
    for again in (world.inquiries.confirm, world.inquiries.reject):
        with pytest.raises(Conflict):
            again(OFFICER, case, inquiry.reference, "Because.")
    assert world.acts().count("relationship.confirmed") == 1


def test_nobody_rules_on_their_own_answer_or_record(world: AskingWorld) -> None:
    inquiry = world.asked(Asked.MANAGER)
    world.inquiries.answer(world.person(BOSS), inquiry.reference, AnswerCode.TREATING, "words")
    own = Viewer(world.person(BOSS).subject, "RRK", person=True)
    with pytest.raises(Forbidden) as refused:
        world.inquiries.confirm(own, str(inquiry.case), inquiry.reference, "I say so.")
    assert refused.value.reason == "inquiry.own_answer"
    person = Viewer(world.person(NIA).subject, "RRK", person=True)
    world.own_patients[OFFICER.id] = world.pseudonymiser.patient(PATIENT)
    for viewer in (person, OFFICER):
        with pytest.raises(Forbidden) as own_case:
            world.inquiries.confirm(viewer, str(inquiry.case), inquiry.reference, "I say so.")
        assert own_case.value.reason == "alert.own_case"


def test_only_the_officers_of_the_alert_see_it(world: AskingWorld) -> None:
    inquiry = world.answered()
    stranger = Viewer("s-else", "RJE", person=True)
    with pytest.raises(NotFound):
        world.inquiries.of_case(stranger, str(inquiry.case))
    with pytest.raises(NotFound):
        world.inquiries.confirm(stranger, str(inquiry.case), inquiry.reference, "Because.")
    other = world.alert(world.look(number=7), family="other", rule_id="other")
    with pytest.raises(NotFound):
        world.inquiries.confirm(OFFICER, other, inquiry.reference, "Because.")
    assert [one.reference for one in world.inquiries.of_case(OFFICER, str(inquiry.case))] == [inquiry.reference]


def test_what_nobody_answered_is_over_after_fourteen_days(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    clock.advance(timedelta(days=14))
    (seen,) = world.inquiries.of_case(OFFICER, str(inquiry.case))
    assert seen.state is InquiryState.EXPIRED  # before any job closed it
    world.tending.run_once()
    assert world.acts()[-1] == "inquiry.expired"
    assert not world.tending.run_once()
    assert world.acts().count("inquiry.expired") == 1
    again = world.inquiries.ask(OFFICER, str(inquiry.case), Asked.PERSON, WHY)
    assert again.reference != inquiry.reference


def test_asking_again_closes_what_is_over(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    clock.advance(timedelta(days=15))
    again = world.inquiries.ask(OFFICER, str(inquiry.case), Asked.PERSON, WHY)
    assert again.reference != inquiry.reference
    assert world.acts() == ["inquiry.asked", "inquiry.expired", "inquiry.asked"]


def test_reminders_go_to_the_manager_who_may_then_answer_and_are_bounded(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    world.outbox.run_once()
    for _ in range(4):
        clock.advance(world.pace.remind_after)
        world.tending.run_once()
        world.outbox.run_once()
    assert [letter.address for letter in world.channel.sent] == [
        f"{NIA}@rrk.example",
        f"{BOSS}@rrk.example",
        f"{BOSS}@rrk.example",
    ]
    assert world.acts() == ["inquiry.asked", "inquiry.reminded", "inquiry.reminded"]
    assert world.inquiries.opened(world.person(BOSS), inquiry.reference)[1] is Asked.MANAGER
    assert world.inquiries.opened(world.person(NIA), inquiry.reference)[1] is Asked.PERSON


def test_without_a_manager_the_person_is_reminded_and_the_answered_are_not(
    world: AskingWorld, clock: FixedClock
) -> None:
    world.staff(world.member(BOSS, patient_key=world.pseudonymiser.patient(PATIENT)))  # the manager is the patient
    inquiry = world.asked()
    clock.advance(world.pace.remind_after)
    world.tending.run_once()
    world.outbox.run_once()
    assert [letter.address for letter in world.channel.sent] == [f"{NIA}@rrk.example"] * 2
    assert [letter.subject.startswith("Reminder") for letter in world.channel.sent] == [False, True]
    world.inquiries.answer(world.person(NIA), inquiry.reference, AnswerCode.TREATING, "words")
    clock.advance(world.pace.remind_after)
    world.tending.run_once()
    assert world.acts()[-1] == "inquiry.answered"


def test_a_namesake_at_another_trust_is_asked_for_themselves(world: AskingWorld) -> None:
    inquiry = world.asked()
    assert inquiry.person.named_by == "RRK"
    world.staff(replace(world.member(NIA), ods="RKB"))
    assert world.inquiries.mine(replace(world.person(NIA), named_by="RKB")) == ()
