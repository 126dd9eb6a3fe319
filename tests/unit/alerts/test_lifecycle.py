"""The review: new, investigating, closed; whose verdict is wanted; and the pure arithmetic of one alert."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from governance.alerts.alert import MAXIMUM_EVIDENCE, Case, ClosedBy, merge_evidence, step_of, taught
from governance.alerts.finding import Evidence, Party
from governance.alerts.grouping import CLOSENESS, alert_id, group_key, near, parties_of
from governance.alerts.lifecycle import MAXIMUM_TEXT, Word, assign, close, comment, reopen, settled, want, withdraw
from governance.errors import Conflict, Forbidden, InvalidInput
from governance.vocabulary import AlertKind, AlertState, Capacity, Severity, Verdict
from tests.worlds.alerts import BEGAN, finding

EMPLOYER, CONTROLLER = Party("RRK", Capacity.EMPLOYER), Party("RKB", Capacity.CONTROLLER)
ASKED = Case(wanted=frozenset({EMPLOYER, CONTROLLER, Party("RRK", Capacity.CONTROLLER)}))


def word(verdict: Verdict = Verdict.JUSTIFIED, reason: str = "on call", capacity: Capacity | None = None) -> Word:
    return Word(verdict, reason, BEGAN, "s-officer", capacity)


def test_an_alert_is_taken_up_and_closed() -> None:
    taken = assign(Case(wanted=frozenset({EMPLOYER})), "s-officer")
    assert (taken.state, taken.assignee) == (AlertState.INVESTIGATING, "s-officer")
    closed = close(taken, "RRK", word(reason="  A portal kiosk. "))
    assert (closed.state, closed.verdict, closed.reason) == (AlertState.CLOSED, Verdict.JUSTIFIED, "A portal kiosk.")


def test_one_trusts_word_does_not_silence_another() -> None:
    """Each answers in its own capacity; the case comes to the gravest verdict, whoever speaks first."""
    words = {"RRK": word(Verdict.JUSTIFIED), "RKB": word(Verdict.UNJUSTIFIED, "not under our agreement")}
    for order in permutations(words):
        case = ASKED
        for ods in order:
            assert case.state is not AlertState.CLOSED
            case = close(case, ods, words[ods])
        assert (case.state, case.ending) == (AlertState.CLOSED, ClosedBy.VERDICTS)
        assert (case.verdict, case.reason) == (Verdict.UNJUSTIFIED, "not under our agreement")
        assert not case.agreed
        assert not case.waits_for


def test_a_trust_speaks_once_in_each_capacity() -> None:
    case = close(ASKED, "RRK", word(capacity=Capacity.EMPLOYER))
    assert case.state is AlertState.INVESTIGATING
    with pytest.raises(Conflict):
        close(case, "RRK", word(Verdict.UNJUSTIFIED, capacity=Capacity.EMPLOYER))
    case = close(case, "RRK", word(Verdict.UNCLEAR))
    assert [(one.capacity, one.verdict) for one in case.verdicts] == [
        (Capacity.CONTROLLER, Verdict.UNCLEAR),
        (Capacity.EMPLOYER, Verdict.JUSTIFIED),
    ]
    with pytest.raises(Conflict):
        close(case, "RRK", word())
    assert case.waits_for == {CONTROLLER}


def test_who_is_not_asked_gives_no_verdict() -> None:
    with pytest.raises(Forbidden):
        close(ASKED, "RJE", word())
    with pytest.raises(InvalidInput):
        close(ASKED, "RKB", word(capacity=Capacity.SPONSOR))


def test_the_region_closes_for_all() -> None:
    closed = close(close(ASKED, "RRK", word()), None, word(Verdict.UNCLEAR, "the trust has merged"))
    assert (closed.state, closed.ending, closed.verdict) == (AlertState.CLOSED, ClosedBy.REGION, Verdict.UNCLEAR)
    assert {given.ods for given in closed.verdicts} == {"RRK"}


def test_a_closed_alert_stays_closed() -> None:
    closed = close(Case(), None, word(Verdict.UNJUSTIFIED))
    with pytest.raises(Conflict):
        close(closed, None, word())
    with pytest.raises(Conflict):
        assign(closed, "s-other")
    assert comment(closed, "they appealed") == closed
    assert want(closed, frozenset({EMPLOYER})) == closed


def test_what_closed_by_itself_opens_again_as_it_was() -> None:
    taken = assign(ASKED, "s-officer")
    gone = withdraw(taken, "The order came late.")
    assert (gone.state, gone.verdict, gone.reason) == (AlertState.CLOSED, None, "The order came late.")
    assert not settled(gone)
    assert reopen(gone) == taken
    assert settled(close(ASKED, "RRK", word()))


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAXIMUM_TEXT + 1)])
def test_words_are_needed_and_bounded(text: str) -> None:
    with pytest.raises(InvalidInput):
        close(Case(), None, word(Verdict.UNCLEAR, text))
    with pytest.raises(InvalidInput):
        comment(Case(), text)


def test_an_incident_is_kind_family_subject_and_matter() -> None:
    one = finding()
    assert group_key(one) == group_key(finding(rule_id="another", events=(9,), occurred_at=BEGAN + timedelta(days=90)))
    others = [
        finding(family="decoy"),
        finding(subject="s-other"),
        finding(about="p-2"),
        finding(kind=AlertKind.NOTICE),
    ]
    assert len({group_key(each) for each in [one, *others]}) == 5


def test_closeness_slides_with_the_incident() -> None:
    latest = BEGAN + timedelta(days=20)
    for at, inside in (
        (BEGAN - CLOSENESS, True),
        (BEGAN - CLOSENESS - timedelta(seconds=1), False),
        (BEGAN + timedelta(days=10), True),
        (latest + CLOSENESS, True),
        (latest + CLOSENESS + timedelta(seconds=1), False),
    ):
        assert near(BEGAN, latest, at) is inside


def test_ids_are_made_of_the_group_and_of_how_many_there_were() -> None:
    key = group_key(finding())
    assert alert_id(key, 0) == alert_id(key, 0) != alert_id(key, 1)
    assert alert_id("self_access|s-nia|p-1", 0) == "a-r65qicpugblvtk76ayzx"


def test_whose_verdict_is_wanted() -> None:
    named = finding(parties=(EMPLOYER,))
    assert parties_of(named) == {EMPLOYER, CONTROLLER}
    about_an_agreement = finding(subject=None, subjects=(), patient=None, trusts=("RKB",))
    assert parties_of(about_an_agreement) == {Party("RKB", Capacity.SPONSOR)}


def test_a_step_of_evidence_is_graver_or_twice() -> None:
    six = Evidence("viewers", 6, 1, 40, 12.0, "Six.")
    told = taught({}, [six], anew=True)
    low, high = Severity.LOW, Severity.HIGH

    def step(observed: float, bits: float | None, before: Severity = low, after: Severity = low) -> str | None:
        found = step_of(told, before, after, [replace(six, observed=observed, bits=bits)])
        return None if found is None else f"{found.what}:{found.signal}"

    assert step(11, 23.9) is None
    assert step(12, 12.0) == "observed:viewers"
    assert step(7, 24.0) == "bits:viewers"
    assert step(6, 12.0, low, high) == "severity:None"
    assert step(6, 12.0, high, low) is None
    assert step_of(told, low, low, [replace(six, signal="new", observed=99)]) is None
    text = replace(six, observed="MR", bits=None)
    assert step_of(taught({}, [text], anew=True), low, low, [text]) is None
    assert taught(told, [replace(six, observed=11)], anew=False) == told


def test_one_signal_is_told_once_by_its_strongest_observation() -> None:
    weak = Evidence("viewers", 6, 5, 0, None, "Six.")
    strong = replace(weak, observed=9, sentence="Nine.")
    other = Evidence("modality", "MR", "CT", 0, None, "MR.")
    third = replace(other, observed="US", sentence="US.")
    assert merge_evidence((weak, other), (strong, third)) == (strong, other, third)
    assert merge_evidence((strong,), (weak,)) == (strong,)


def test_evidence_is_bounded() -> None:
    many = [Evidence("modality", f"M{number}", "CT", 0, None, "Seen.") for number in range(MAXIMUM_EVIDENCE + 9)]
    assert len(merge_evidence((), many)) == MAXIMUM_EVIDENCE
