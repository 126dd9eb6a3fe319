"""Archives that were cut off send days at once: a spool is counted as one, and our own clockwork does not age it."""

from datetime import timedelta

from governance.audit.event import RecordedEvent
from governance.detection import RuleMemory, Scorer, default_rules
from governance.vocabulary import SYSTEM
from tests.worlds.detection import BEGAN, LittleRegion, event

LATER = BEGAN + timedelta(days=5)


def export(index: int, number: int) -> RecordedEvent:
    row = {"kind": "export", "who": "s-nia", "patient": f"p-{number}", "study": f"t-{number:012d}", "decision": "d-1"}
    return event(index, BEGAN + timedelta(seconds=30 * number), row)


def rules_found(events: list[RecordedEvent]) -> list[str]:
    world = LittleRegion()
    return [finding.rule_id for finding in Scorer(default_rules()).score(events, world, RuleMemory())]


def test_a_spool_sent_days_late_is_counted_as_one() -> None:
    today = event(0, LATER, {"who": "s-ann", "patient": "p-9", "study": "t-9", "decision": "d-1"})
    spool = [export(1 + number, number) for number in range(120)]
    assert "mass_export" in rules_found([today, *spool])


def test_what_this_service_does_for_itself_ages_nothing() -> None:
    glass = event(0, BEGAN, {"who": "s-nia", "patient": "p-1", "study": "t-1", "decision": "d-1", "broke_glass": True})
    ours = event(1, LATER, {"kind": "config", "who": "office", "type": "service", "source": SYSTEM})
    theirs = event(2, LATER, {"kind": "login", "who": "s-ann"})
    assert "break_glass_without_follow_up" not in rules_found([glass, ours])
    assert "break_glass_without_follow_up" in rules_found([glass, ours, theirs])


def test_a_finding_over_many_patients_names_none_of_them() -> None:
    world = LittleRegion()
    found = list(Scorer(default_rules()).score([export(number, number) for number in range(120)], world, RuleMemory()))
    assert {finding.patient for finding in found if finding.rule_id == "mass_export"} == {None}
