"""Impact analysis over real decisions in a real log: who gains, who loses, and how far it can be trusted."""

from datetime import date, timedelta
from typing import Any

import pytest

from governance.agreements import Moved, Transition
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.decisions import EngineFault, RegorusEngine
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyRequests, Unavailable
from governance.federation import StaffMember
from governance.impact import ImpactReport, Question
from governance.impact.comparison import Effect
from governance.impact.rendering import document, summary
from governance.relationships import PatientContext
from governance.vocabulary import Action, Purpose, ReasonCode, SubjectType
from tests.worlds.agreements import OFFICE
from tests.worlds.impact import AGREEMENT, ImpactWorld, draft, terms

ONLY_CLINICIANS = {"/clauses/0/recipients": {"roles": ["clinician"]}}
SUSPENDED = Moved(AGREEMENT, 1, Transition.SUSPEND)


@pytest.fixture
def world(services: Services, clock: FixedClock) -> ImpactWorld:
    """Fill the services of a test."""
    return ImpactWorld(services, clock)


def effects(report: ImpactReport) -> dict[str, int]:
    return {effect.value: count for effect, count in sorted(report.tally.effects.items())}


def not_reproduced(report: ImpactReport) -> int:
    return report.tally.not_reproduced_permits + report.tally.not_reproduced_denials


def everything(world: ImpactWorld) -> Question:
    """Ask what suspending the agreement would do to all that was asked so far."""
    return Question((SUSPENDED,), world.began, world.clock.now())


def ask_everything(world: ImpactWorld) -> None:
    """Ask in every way this world knows: permits and denials of many reasons."""
    world.ask()
    world.ask("nurse")
    world.ask("clinician.two")
    world.ask("clinician.two", break_glass_reason="arrest")
    world.ask("clinician.two", purpose=Purpose.BTG, break_glass_reason=" ")
    world.ask(assurance=1)
    world.ask("stale", role="clinician")
    world.ask(study="1.2.2")
    world.ask(study="1.2.3")
    world.ask(study="1.2.3", break_glass_reason="arrest")
    world.ask(study="1.2.9")
    world.ask(patient="9990000026")
    world.ask("stranger", role="clinician")
    world.ask(purpose=Purpose.HRESCH)
    for _ in range(5):
        world.ask("ich-triage", role="ai_service", kind=SubjectType.AI_SERVICE, assurance=None)


def test_every_decision_of_unchanged_terms_is_reproduced(world: ImpactWorld) -> None:
    ask_everything(world)
    report = world.suppose(draft())
    assert report.tally.decisions == 19
    assert not_reproduced(report) == 0
    assert report.supposed_revision == report.revision
    assert effects(report) == {}
    assert (report.tally.still_permitted, report.tally.still_denied) == (6, 13)


def test_a_permit_by_a_grant_is_asked_again_with_the_grant(world: ImpactWorld) -> None:
    world.emergency("clinician.two")
    assert world.ask("clinician.two").decision.permit
    report = world.suppose(draft())
    assert not_reproduced(report) == 0
    assert (report.tally.still_permitted, report.tally.still_denied) == (1, 1)
    closed = world.suppose(draft({"/clauses/0/break_glass": {"allowed": False}, "/clauses/0/data/sensitive": "deny"}))
    assert (closed.tally.still_permitted, closed.tally.still_denied) == (0, 1)


def test_who_loses_when_an_agreement_is_suspended(world: ImpactWorld) -> None:
    answers = [world.ask(), world.ask(), world.ask("nurse"), world.ask(study="1.2.2")]
    report = world.suppose(SUSPENDED, examples=1)
    assert effects(report) == {"loses": 2}
    (change,) = report.changes
    group = change.group
    assert (group.trust, group.custodian, group.role) == ("RKB", "RRK", "clinician")
    assert (group.purpose, group.action) == ("TREAT", "read")
    assert dict(change.reasons) == {"agreement.not_active": 2}
    assert [(one.decision_id, one.index) for one in change.examples] == [(answers[0].decision.id, answers[0].index)]
    assert report.tally.still_denied == 2
    assert world.services.registers.agreements.get(AGREEMENT).in_force
    assert world.ask().decision.permit


@pytest.mark.parametrize("transition", [Transition.SUSPEND, Transition.TERMINATE, Transition.EXPIRE])
def test_every_ending_takes_the_same_access(world: ImpactWorld, transition: Transition) -> None:
    world.ask()
    assert effects(world.suppose(Moved(AGREEMENT, 1, transition))) == {"loses": 1}


@pytest.mark.parametrize(
    ("changes", "ask", "expected"),
    [
        ({"/clauses/0/recipients": {"roles": ["clinician", "nurse"]}}, {"user": "nurse"}, {"gains": 1}),
        ({"/clauses/0/recipients": {"roles": ["nurse"]}}, {}, {"loses": 1}),
        ({"/clauses/0/data/modalities": ["CT", "US"]}, {"study": "1.2.2"}, {"gains": 1}),
        (ONLY_CLINICIANS | {"/clauses/0/data/modalities": ["MR"]}, {}, {"loses": 1}),
        ({"/clauses/0/data/priors_days": 5}, {}, {"loses": 1}),
        ({"/clauses/0/actions": ["search"]}, {}, {"loses": 1}),
        ({"/clauses/0/conditions/relationship": "not_required"}, {"user": "clinician.two"}, {"gains": 1}),
        ({"/clauses/0/conditions/training": False}, {"user": "stale", "role": "clinician"}, {"gains": 1}),
        ({"/clauses/0/conditions/hours": {"from": "20:00", "to": "08:00"}}, {}, {"loses": 1}),
        ({"/clauses/0/purposes": ["TREAT", "ETREAT", "CAREMGT"]}, {"purpose": Purpose.CAREMGT}, {"may_gain": 1}),
        ({"/clauses/0/conditions/identity_assurance": 3}, {}, {"may_lose": 1}),
        ({"/clauses/0/conditions/identity_assurance": 1}, {"assurance": 1}, {"may_gain": 1}),
        ({"/clauses/0/conditions/identity_assurance": 3}, {"assurance": 1}, {}),
        ({"/clauses/0/conditions/managed_device": True}, {}, {"may_lose": 1}),
        (
            {"/clauses/0/break_glass": {"allowed": False}, "/clauses/0/data/sensitive": "deny"},
            {"user": "clinician.two", "break_glass_reason": "arrest"},
            {"loses": 1},
        ),
    ],
)
def test_each_term_that_changes_tells_on_whom(
    world: ImpactWorld, changes: dict[str, Any], ask: dict[str, Any], expected: dict[str, int]
) -> None:
    world.ask(**ask)
    report = world.suppose(draft(changes, version=2))
    assert effects(report) == expected
    assert not_reproduced(report) == 0


def test_a_new_agreement_opens_what_none_covered(world: ImpactWorld) -> None:
    world.ask(purpose=Purpose.HQUALIMP)
    world.ask(purpose=Purpose.HQUALIMP, study="1.2.2")
    added = draft({"/clauses/0/purposes": ["HQUALIMP"]}, id="quality")
    report = world.suppose(added)
    assert effects(report) == {"may_gain": 1}
    assert dict(report.changes[0].reasons) == {"agreement.none": 1}
    begins_later = draft(
        {"/clauses/0/purposes": ["HQUALIMP"]},
        id="quality",
        effective={"from": "2027-01-01", "to": "2027-12-31"},
        review_date="2027-06-01",
    )
    assert effects(world.suppose(begins_later)) == {"may_gain": 1}


def test_changes_are_supposed_together(world: ImpactWorld) -> None:
    world.ask()
    world.ask("nurse")
    moved_over = draft({"/clauses/0/recipients": {"roles": ["clinician", "nurse"]}}, id="successor")
    assert effects(world.suppose(SUSPENDED, moved_over)) == {"gains": 1}


def test_a_draft_on_file_and_a_suspended_version_can_be_supposed_in_force(world: ImpactWorld) -> None:
    world.services.registers.agreements.load(
        [terms({"/clauses/0/recipients": {"roles": ["nurse"]}}, version=2)], OFFICE
    )
    world.ask()
    assert effects(world.suppose(Moved(AGREEMENT, 2, Transition.ACTIVATE))) == {"loses": 1}
    world.services.registers.agreements.suspend(AGREEMENT, 1, OFFICE, "an incident")
    world.ask()
    report = world.suppose(Moved(AGREEMENT, 1, Transition.ACTIVATE))
    assert effects(report) == {"gains": 1, "may_gain": 1}
    assert report.tally.not_reproduced_permits == 1
    assert report.tally.not_reproduced_other_revision == 1


def test_todays_terms_are_asked_of_the_whole_period(world: ImpactWorld) -> None:
    world.ask()
    later = world.move_on(days=20).date()
    effective = {"from": str(later), "to": "2027-11-30"}
    world.agree(terms(version=2, effective=effective, review_date=str(date(2027, 6, 1))))
    report = world.suppose(Moved(AGREEMENT, 2, Transition.SUSPEND))
    assert effects(report) == {"loses": 1}
    assert not_reproduced(report) == 0


def test_the_directories_are_asked_as_of_the_event(world: ImpactWorld) -> None:
    world.ask()
    world.move_on(days=2)
    names, made = world.services.infrastructure.pseudonymiser, world.services
    patient, user = names.patient("9990000018"), names.subject("clinician")
    gone = (made.infrastructure.clock.now() - timedelta(days=1)).date()
    with made.infrastructure.database.transaction() as session:
        made.registers.relationships.upsert_edges(
            session, [world.edge("clinician", patient, valid_until=world.clock.now())]
        )
        made.registers.federation.upsert_staff(session, [StaffMember(user, "RKB", "clinician", leaves_on=gone)])
    report = world.suppose(SUSPENDED)
    assert effects(report) == {"loses": 1}
    assert not_reproduced(report) == 0


def test_what_was_replaced_since_is_counted_as_not_reproduced(world: ImpactWorld) -> None:
    world.ask()
    patient = world.services.infrastructure.pseudonymiser.patient("9990000018")
    with world.services.infrastructure.database.transaction() as session:
        replaced = world.edge("clinician", patient, valid_from=world.clock.now())
        world.services.registers.relationships.upsert_edges(session, [replaced])
    report = world.suppose(SUSPENDED)
    assert (report.tally.not_reproduced_permits, report.tally.not_reproduced_other_revision) == (1, 0)
    assert "Not reproduced: today's policy decides 1 otherwise" in "\n".join(summary(report))


def test_an_opt_out_counts_as_it_was_checked_then(world: ImpactWorld) -> None:
    applied = {
        "/clauses/0/purposes": ["HQUALIMP"],
        "/clauses/0/opt_out": {"applies": True},
    }
    world.agree(terms(applied, id="quality"))
    patient = world.services.infrastructure.pseudonymiser.patient("9990000018")
    told = world.ask(purpose=Purpose.HQUALIMP)
    assert told.decision.reasons == (ReasonCode.OPT_OUT_UNKNOWN,)
    with world.services.infrastructure.database.transaction() as session:
        checked = PatientContext(patient, opt_out=False, opt_out_checked_at=world.clock.now())
        world.services.registers.relationships.upsert_patients(session, [checked])
    assert world.ask(purpose=Purpose.HQUALIMP).decision.permit
    world.move_on(days=2)
    with world.services.infrastructure.database.transaction() as session:
        world.services.registers.relationships.purge_opt_outs(session, world.clock.now())
    report = world.suppose(Moved("quality", 1, Transition.SUSPEND))
    assert effects(report) == {"loses": 1}
    assert not_reproduced(report) == 0


def test_what_policy_had_no_part_in_is_set_aside(world: ImpactWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ask()
    world.ask(study=None, action=Action.SEARCH, custodians=("RRK",))

    def fail(self: RegorusEngine, policy_input: object) -> None:
        raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(RegorusEngine, "evaluate", fail)
        world.ask()
        with pytest.raises(Unavailable):
            world.services.uses.impact.analyse(everything(world))
    report = world.suppose(SUSPENDED)
    assert dict(report.tally.set_aside) == {"policy.not_asked": 1, "search.custodians_not_logged": 1}
    assert effects(report) == {"loses": 1}


def test_a_trust_asks_about_its_own_agreements_and_its_own_decisions(world: ImpactWorld) -> None:
    world.ask()
    assert effects(world.suppose(SUSPENDED, seen_by="RRK")) == {"loses": 1}
    with pytest.raises(NotFound):
        world.suppose(SUSPENDED, seen_by="RL4")
    with pytest.raises(Forbidden):
        world.suppose(draft(), seen_by="RL4")


def test_what_would_change_nothing_is_refused(world: ImpactWorld) -> None:
    world.ask()
    with pytest.raises(Conflict, match="in force"):
        world.suppose(SUSPENDED, Moved(AGREEMENT, 1, Transition.TERMINATE))
    world.services.registers.agreements.terminate(AGREEMENT, 1, OFFICE, "over")
    with pytest.raises(Conflict, match="never in force again"):
        world.suppose(Moved(AGREEMENT, 1, Transition.ACTIVATE))


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ({"until": "began"}, "/since"),
        ({"since": "long ago"}, "/since"),
        ({"since": "ahead", "until": "ahead"}, "/since"),
        ({"examples": 21}, "/examples"),
    ],
)
def test_a_question_out_of_bounds_is_refused(world: ImpactWorld, question: dict[str, Any], path: str) -> None:
    world.ask()
    times = {
        "began": world.began,
        "long ago": world.began - timedelta(days=400),
        "ahead": world.clock.now() + timedelta(days=1),
    }
    asked = {name: times.get(value, value) for name, value in question.items()}
    with pytest.raises(InvalidInput) as refused:
        world.suppose(SUSPENDED, **asked)
    assert path in [fault.path for fault in refused.value.faults]


def test_no_change_is_no_question(world: ImpactWorld) -> None:
    with pytest.raises(InvalidInput):
        world.suppose()


def test_one_analysis_at_a_time_and_none_past_its_maximum(world: ImpactWorld) -> None:
    world.ask()
    world.ask()
    impact, seen = world.services.uses.impact, []

    def again(done: int) -> None:
        seen.append(done)
        with pytest.raises(TooManyRequests):
            world.suppose(SUSPENDED)

    impact.analyse(everything(world), progress=again)
    assert seen == [2]
    with pytest.raises(InvalidInput, match="too long"):
        impact.analyse(everything(world), maximum=1)
    assert impact.decisions(everything(world)) == 2


def test_the_same_log_gives_the_same_report_whatever_is_added(world: ImpactWorld) -> None:
    ask_everything(world)
    until = world.clock.now()
    change = draft({"/clauses/0/recipients": {"roles": ["nurse"]}}, version=2)
    first = document(world.suppose(change, until=until))
    world.ask()
    assert document(world.suppose(change, until=until)) == first


def test_asking_only_where_terms_differ_gives_what_asking_everywhere_gives(
    world: ImpactWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_everything(world)
    change = draft({"/clauses/0/recipients": {"roles": ["nurse"]}, "/clauses/0/purposes": ["TREAT"]}, version=2)
    shortened = document(world.suppose(change))

    def everywhere(*_data: object) -> frozenset[tuple[str, str, str]]:
        return frozenset(("RKB", ods, purpose.value) for ods in ("RRK", "RKB") for purpose in Purpose)

    monkeypatch.setattr("governance.impact.impact.differing", everywhere)
    assert document(world.suppose(change)) == shortened


def test_a_report_says_no_more_than_ids_and_places(world: ImpactWorld) -> None:
    ask_everything(world)
    report = world.suppose(SUSPENDED)
    told = "\n".join(summary(report)) + str(document(report))
    names = world.services.infrastructure.pseudonymiser
    for word in ("9990000018", names.patient("9990000018"), names.subject("clinician"), "1.2.1", names.study("1.2.1")):
        assert word not in told.replace("'2.1.0'", "")
    assert "Supposing two-trusts version 1 were suspended." in told
    assert Effect.LOSES in report.tally.effects


def test_a_question_is_narrowed_to_its_newest_decisions(world: ImpactWorld) -> None:
    for _ in range(5):
        world.ask()
    whole = everything(world)
    narrowed = world.services.uses.impact.newest(whole, 2)
    assert (narrowed.until, narrowed.changes) == (whole.until, whole.changes)
    assert world.services.uses.impact.decisions(narrowed) == 2
    assert world.services.uses.impact.analyse(narrowed).tally.decisions == 2
    assert world.services.uses.impact.newest(whole, 6) == whole
