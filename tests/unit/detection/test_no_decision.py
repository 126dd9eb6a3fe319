"""Accesses without a decision: single ones, many of one source at once, and decisions that come after all."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from governance.alerts import Finding, Revision
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory
from governance.detection.rule import Found
from governance.detection.rules.access_without_decision import AccessWithoutDecision
from governance.vocabulary import AlertKind
from tests.worlds.detection import BEGAN, LittleExplainer, LittlePast, event, region

MINUTE = timedelta(minutes=1)
Row = tuple[timedelta, dict[str, Any]]


def found_by(rows: Iterable[Row], world: Mapping[str, Any] | None = None) -> list[Found]:
    log = [event(index, BEGAN + after, row) for index, (after, row) in enumerate(rows)]
    here = region(world or {})
    return Scorer([AccessWithoutDecision()], LittleExplainer(here)).score(log, here, RuleMemory(), LittlePast(log))


def alerts(found: Iterable[Found]) -> list[tuple[int, str]]:
    told = [each for each in found if isinstance(each, Finding) and each.kind is AlertKind.ALERT]
    return [(each.events[0], each.evidence[0].signal) for each in told]


def notices(found: Iterable[Found]) -> list[Finding]:
    return [each for each in found if isinstance(each, Finding) and each.kind is AlertKind.NOTICE]


def access(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "who": f"s-{number % 9}",
        "patient": f"p-{number}",
        "study": f"t-{number}",
        "decision": f"d-{number}",
    } | changes


def decision(number: int, **changes: Any) -> dict[str, Any]:
    return access(number, kind="decision") | changes


def permitted(begins: timedelta, numbers: Iterable[int]) -> list[Row]:
    """Give accesses that were decided, one a minute."""
    rows: list[Row] = []
    for number in numbers:
        rows += [(begins + number * MINUTE, decision(number)), (begins + number * MINUTE, access(number))]
    return rows


END: list[Row] = [(n * timedelta(hours=1), {"kind": "login", "who": "s-ann"}) for n in (3, 4)]
GIVEN_UP: list[Row] = [(n * timedelta(hours=1), {"kind": "login", "who": "s-ann"}) for n in (3, 80, 81)]


def test_one_among_many_is_an_alert_about_a_person() -> None:
    alone = (61 * MINUTE, access(199))
    rows = [*permitted(timedelta(0), range(60)), alone, *permitted(MINUTE, range(61, 100)), *END]
    assert alerts(found_by(rows)) == [], "most of what is late comes"
    rows += GIVEN_UP
    found = found_by(rows)
    assert alerts(found) == [(120, "decision_unknown")]
    assert notices(found) == []


def test_many_of_one_source_at_once_are_one_notice_about_the_source() -> None:
    lost = [(61 * MINUTE + n * MINUTE, access(200 + n)) for n in range(40)]
    found = found_by([*permitted(timedelta(0), range(60)), *lost, *END])
    assert alerts(found) == [], "those that wait beside the first one show that it is not alone"
    told = notices(found)
    assert {(each.about, each.subject, each.family) for each in told} == {("archive-rrk", None, "bypass")}
    assert len({each.key for each in told}) == 1
    assert told[-1].total >= 20, "each doubling is news"
    assert not any("s-" in piece.sentence for each in told for piece in each.evidence)


def test_an_archive_that_names_no_decision_takes_its_first_alerts_back() -> None:
    rows = [(n * 20 * MINUTE, access(n, decision=None)) for n in range(12)]
    found = found_by(rows)
    singles = alerts(found)
    assert singles == [(index, "no_authority") for index in range(len(singles))]
    assert len(singles) < 5
    taken_back = [each for each in found if isinstance(each, Revision)]
    assert [each.gone for each in taken_back] == [(index,) for index, _ in singles]
    assert {each.key for each in notices(found)} == {notices(found)[0].key}


def test_decisions_that_come_after_an_outage_clear_all_but_the_one_that_never_does() -> None:
    lost = [(61 * MINUTE + n * MINUTE, access(200 + n)) for n in range(40)]
    late = [(timedelta(hours=5), decision(200 + n)) for n in range(40) if n != 7]
    end: list[Row] = [*END, *late]
    end.append((timedelta(days=3), {"kind": "login", "who": "s-ann"}))
    found = found_by([*permitted(timedelta(0), range(60)), *lost, *end])
    assert alerts(found) == [(120 + 7, "decision_unknown")]
    assert notices(found)[-1].evidence[0].sentence.startswith("Of 40 accesses of this source that had no decision")
    assert notices(found)[-1].evidence[0].observed == 39


def test_a_decision_that_comes_too_late_takes_back_what_was_said() -> None:
    rows = [
        *permitted(timedelta(0), range(60)),
        (61 * MINUTE, access(99)),
        *GIVEN_UP,
        (timedelta(hours=90), decision(99)),
    ]
    found = found_by(rows)
    (said,) = [each for each in found if isinstance(each, Finding)]
    (taken_back,) = [each for each in found if isinstance(each, Revision)]
    assert (taken_back.key, taken_back.gone, taken_back.index) == (said.key, said.events, len(rows) - 1)


def test_a_denial_that_comes_too_late_is_said_in_its_place() -> None:
    denial = decision(99, outcome="minor", detail={"permit": False})
    rows = [*permitted(timedelta(0), range(60)), (61 * MINUTE, access(99)), *GIVEN_UP, (timedelta(hours=90), denial)]
    assert alerts(found_by(rows)) == [(120, "decision_unknown"), (120, "denied")]


def test_patience_is_learnt_from_the_source_itself() -> None:
    """The decisions of this archive come seventy hours late, day after day: one that does not is awaited for longer."""
    rows: list[Row] = []
    for number in range(60):
        rows += [(number * 90 * MINUTE, access(number)), (number * 90 * MINUTE + 4_200 * MINUTE, decision(number))]
    rows = sorted(rows, key=lambda row: row[0])
    last = 60 * 90 * MINUTE + 4_200 * MINUTE

    def told(hours: int) -> bool:
        waits: list[Row] = [(last + n * timedelta(hours=1), {"kind": "login", "who": "s-a"}) for n in range(1, hours)]
        return (len(rows), "decision_unknown") in alerts(found_by([*rows, (last, access(99)), *waits]))

    assert not told(84), "more than three days are nothing to it"
    assert told(120)


def test_a_decision_of_a_visit_covers_the_patient_when_a_registered_decision_point_recorded_it() -> None:
    whole = {"patient": "p-1", "study": "t-1", "decision": "d-1", "decision_scope": "patient"}
    other = (MINUTE, access(1, patient="p-1", study="t-2", decision="d-1"))
    edge = {"source": "edge-1", "detail": {"door": "edge", "permit": True}}
    for said in ({}, edge):
        assert found_by([(timedelta(0), decision(1) | whole | said), other]) == []
    point = (timedelta(0), decision(1) | whole | {"source": "pdp-rrk"})
    assert found_by([point, other], {"points": [{"id": "pdp-rrk", "ods": "RRK"}]}) == []
    assert alerts(found_by([(timedelta(0), decision(1) | whole | {"decision_scope": "study"}), other])) == [
        (1, "decision_about_another")
    ]
    stranger = (MINUTE, access(1, patient="p-2", study="t-2", decision="d-1"))
    assert alerts(found_by([(timedelta(0), decision(1) | whole), stranger])) == [(1, "decision_about_another")]


@pytest.mark.parametrize("points", [[], [{"id": "pdp-rrk", "ods": "RKB"}], [{"id": "pdp-rkb", "ods": "RRK"}]])
def test_the_word_of_an_unregistered_source_is_one_notice_that_grows_and_names_nobody(
    points: Sequence[Mapping[str, str]],
) -> None:
    whole = {"patient": "p-1", "study": "t-0", "decision": "d-1", "decision_scope": "patient", "source": "pdp-rrk"}
    rows = [(timedelta(0), decision(1) | whole)]
    rows += [(n * MINUTE, access(n, patient="p-1", study=f"t-{n}", decision="d-1")) for n in range(1, 9)]
    found = found_by(rows, {"points": points})
    assert alerts(found) == []
    told = [each for each in found if isinstance(each, Finding)]
    assert [(each.kind, each.about, each.subject, each.patient, each.total) for each in told] == [
        (AlertKind.NOTICE, "pdp-rrk", None, None, count) for count in (1, 2, 4, 8)
    ]
    assert len({each.key for each in told}) == 1
    assert told[-1].events == tuple(range(1, 9))


def test_an_access_that_is_judged_late_has_the_decision_that_came_meanwhile() -> None:
    """One that goes on with another waits for that one; its decision comes before it is judged, and only once."""
    goes_on = (timedelta(0), access(1, continues="e-never-sent"))
    later: list[Row] = [(n * timedelta(hours=6), {"kind": "login", "who": "s-ann"}) for n in range(1, 60)]
    assert alerts(found_by([goes_on, *later])) == [(0, "decision_unknown")]
    assert alerts(found_by([goes_on, (MINUTE, decision(1)), *later])) == []


def test_what_lacked_decisions_is_settled_however_long_the_source_is_silent_afterwards() -> None:
    rows: list[Row] = [(timedelta(0), access(n, who="s-nia", decision=None)) for n in range(7)]
    rows += [(timedelta(0), access(n, decision="d-none" if n == 7 else None)) for n in range(7, 10)]
    late = [(timedelta(days=20, hours=hours), {"kind": "login", "who": "s-ann"}) for hours in (0, 2, 40)]
    found = found_by([*rows, *late])
    (first, *_) = notices(found)
    assert (first.total, first.evidence[0].signal) == (10, "source_without_decisions")
    assert {each.key for each in found if isinstance(each, Revision)} == {
        each.key for each in found if isinstance(each, Finding) and each.evidence[0].signal == "no_authority"
    }


def test_one_person_who_goes_round_again_and_again_is_no_matter_of_the_source() -> None:
    rows = [(n * 20 * MINUTE, access(n, who="s-nia", decision=None)) for n in range(12)]
    assert (len(alerts(found_by(rows))), notices(found_by(rows))) == (12, [])


def test_thousands_that_name_one_made_up_decision_are_one_notice_with_the_whole_count() -> None:
    rows: list[Row] = [(n * timedelta(seconds=1), access(n, decision="d-made-up")) for n in range(6_000)]
    found = found_by([*rows, *END])
    assert len(alerts(found)) == 0
    last = notices(found)[-1]
    assert len(last.events) == 200
    assert last.total >= 3_000
