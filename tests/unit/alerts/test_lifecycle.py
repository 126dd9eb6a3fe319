"""The review: new, investigating, closed; and the pure arithmetic of one alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.alerts.alert import MAXIMUM_EVIDENCE, Case, Weight, absorb, merge_evidence
from governance.alerts.finding import Evidence
from governance.alerts.grouping import WINDOW, alert_id, group_key, window_start
from governance.alerts.lifecycle import MAXIMUM_TEXT, assign, close, comment
from governance.errors import Conflict, InvalidInput
from governance.vocabulary import AlertState, Severity, Verdict
from tests.worlds.alerts import BEGAN, finding

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def test_an_alert_is_taken_up_and_closed() -> None:
    taken = assign(Case(), "s-officer")
    assert (taken.state, taken.assignee) == (AlertState.INVESTIGATING, "s-officer")
    closed = close(taken, Verdict.JUSTIFIED, "  A portal kiosk. ")
    assert (closed.state, closed.verdict, closed.reason) == (AlertState.CLOSED, Verdict.JUSTIFIED, "A portal kiosk.")


def test_a_new_alert_may_be_closed_at_once() -> None:
    assert close(Case(), Verdict.UNCLEAR, "no more to learn").state is AlertState.CLOSED


def test_a_closed_alert_stays_closed() -> None:
    closed = close(Case(), Verdict.UNJUSTIFIED, "they said so")
    with pytest.raises(Conflict):
        close(closed, Verdict.JUSTIFIED, "no, it was fine")
    with pytest.raises(Conflict):
        assign(closed, "s-other")
    assert comment(closed, "they appealed") == closed


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAXIMUM_TEXT + 1)])
def test_words_are_needed_and_bounded(text: str) -> None:
    with pytest.raises(InvalidInput):
        close(Case(), Verdict.UNCLEAR, text)
    with pytest.raises(InvalidInput):
        comment(Case(), text)


@given(INSTANTS)
def test_a_window_is_a_week_from_monday(at: datetime) -> None:
    start = window_start(at)
    assert start.weekday() == 0
    assert (start.hour, start.minute, start.second, start.microsecond) == (0, 0, 0, 0)
    assert start <= at < start + WINDOW


def test_an_incident_is_family_subject_matter_and_week() -> None:
    one = finding()
    assert group_key(one) == group_key(finding(rule_id="another", events=(9,), occurred_at=BEGAN + timedelta(days=1)))
    others = [
        finding(family="decoy"),
        finding(subject="s-other"),
        finding(about="p-2"),
        finding(occurred_at=BEGAN + WINDOW),
    ]
    assert len({group_key(each) for each in [one, *others]}) == 5


def test_ids_are_made_of_the_incident_alone() -> None:
    key = group_key(finding())
    assert alert_id(key, 0) == alert_id(key, 0) != alert_id(key, 1)
    assert alert_id("self_access|s-nia|p-1|2026-03-02", 0) == "a-ubsljg55amryvjt3jnyw"


def test_severity_rises_and_never_falls() -> None:
    weight = Weight(Severity.HIGH, BEGAN, ())
    assert absorb(weight, finding(severity=Severity.LOW)).severity is Severity.HIGH
    assert absorb(weight, finding(severity=Severity.CRITICAL)).severity is Severity.CRITICAL


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
