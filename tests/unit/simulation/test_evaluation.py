"""The measuring: intervals, ranking, chance, fingerprints, and what counts as found."""

import itertools
import math
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from governance.simulation.evaluation import baselines, checks
from governance.simulation.evaluation.baselines.plain import audit
from governance.simulation.evaluation.baselines.ranking import Group
from governance.simulation.evaluation.chart import chart
from governance.simulation.evaluation.data import Data, read_folder
from governance.simulation.evaluation.fairness import ratios
from governance.simulation.evaluation.intervals import Share, quantile, ratio
from governance.simulation.evaluation.measures import Observed, measure
from governance.simulation.evaluation.reading import Alert
from governance.simulation.evaluation.table import summary, table
from governance.simulation.protocol import Mix
from governance.simulation.protocol.times import DAY, read
from tests.worlds import protocol


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Data]:
    folder = tmp_path_factory.mktemp("evaluation") / "stress"
    truth = protocol.generated(folder, protocol.plan(Mix.STRESS, Fraction(1, 40)))
    wanted = {(event["source"], event["id"]) for one in truth["incidents"] for event in one["events"]}
    return folder, read_folder(folder, wanted)


def alert(name: str, events: list[tuple[str, str]], opened: int, *subjects: str, **more: Any) -> Alert:
    parts = {
        "id": name, "number": 1, "kind": "alert", "rules": ("rule",), "subjects": subjects, "patient": None,
        "trusts": ("Z01",), "opened": opened, "latest": opened, "severity": "high", "bits": 0.0, "state": "new",
        "withdrawn": False, "indexes": (), "seen": "", "events": events,
    }  # fmt: skip
    return Alert(**parts | more)


def test_intervals_are_wilsons_and_byars() -> None:
    low, high = Share(8, 10).interval
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)  # Newcombe 1998
    assert Share(0, 0).value is None
    assert Share(0, 10).interval[0] == 0.0
    assert Share(1, 2) + Share(2, 3) == Share(3, 5)
    found = ratio(10, 100.0, 100, 1_000.0)
    assert found is not None
    assert found[0] == pytest.approx(1.0)
    assert (round(found[1], 2), round(found[2], 2)) == (0.48, 1.84)  # of a count of ten: 4.79 to 18.39
    assert ratio(0, 10.0, 0, 100.0) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([], 0.5) is None


def test_the_strongest_groups_are_kept_and_incidents_count_once() -> None:
    groups = {"a": Group(3.0, {1}), "b": Group(2.0, {1}), "c": Group(1.0, set()), "d": Group(0.5, {2})}
    assert baselines.cut(groups.items(), 2) == {"alerts": 2, "true": 2, "found": 1}
    assert baselines.uncut(groups.items()) == {"alerts": 4, "true": 3, "found": 2}


def test_a_random_audit_finds_what_all_draws_find_on_average() -> None:
    groups = {number: Group(1.0, held) for number, held in enumerate([{1}, {1, 2}, set(), {2}, set(), {3}])}
    draws = list(itertools.combinations(groups.values(), 2))
    mean = sum(len(set().union(*(group.incidents for group in draw))) for draw in draws) / len(draws)
    assert audit(groups, 2) == pytest.approx(mean)
    assert audit(groups, 99) == 3.0


def test_an_event_of_its_own_is_a_strict_find_and_the_right_name_in_time_a_loose_one(run: tuple[Path, Data]) -> None:
    folder, data = run
    incidents = data.truth["incidents"]
    number, one = next((n, each) for n, each in enumerate(incidents) if each["scenario"] == "mass_export")
    user, begin = one["users"][0], read(one["begin"])
    own = next(key for key, of in data.keys.items() if of == number)
    strict = alert("strict", [own], begin, "s-x")
    loose = alert("loose", [("archive-z01", "nothing")], begin, "s-x")
    elsewhen = alert("elsewhen", [], data.measured_from + 60_000, "s-x")
    notice = alert("notice", [own], begin, "s-x", kind="notice")
    before = alert("warm-up", [own], data.measured_from - DAY, "s-x")

    def measured(*alerts: Alert) -> dict[str, Any]:
        return measure(data, folder, Observed(alerts, {"s-x": user}))

    found = measured(strict, notice, before)
    assert (found["alerts"], found["notices"], found["true"]) == (1, 1, 1)
    assert found["scenarios"]["mass_export"]["strict"] >= 1
    found = measured(loose)
    assert (found["true"], found["true_loosely"]) == (0, 1)
    assert found["scenarios"]["mass_export"]["strict"] == 0
    assert found["scenarios"]["mass_export"]["loose"] >= 1
    only_warm_up = measured(notice, before)
    assert only_warm_up["alerts"] == 0
    assert measured(elsewhen)["true_loosely"] == (begin - 60_000 <= elsewhen.opened)


def test_the_table_and_the_chart_say_what_was_counted(run: tuple[Path, Data]) -> None:
    folder, data = run
    own = next(iter(data.keys))
    result = measure(data, folder, Observed([alert("a", [own], data.measured_from + DAY, "s-x")], {}))
    text = table([result, result | {"seed": 4}])
    incidents = len(data.truth["incidents"])
    assert f"2/{2 * incidents}" in text
    assert "B5 unexplained a week, cut" in text
    assert summary([result])[0]["strict_recall"]["hits"] == 1
    assert chart([result]).count("<circle") == len(result["scenarios"]) + len(result["baselines"]) + 1


def test_rules_on_unexplained_looks_find_ties_and_the_classic_ones_shout(run: tuple[Path, Data]) -> None:
    data = run[1]
    classic, unexplained = (baselines.rules(data, unexplained=way) for way in (False, True))
    assert len(unexplained) < len(classic)
    found = {
        data.truth["incidents"][number]["scenario"] for group in unexplained.values() for number in group.incidents
    }
    assert {"self_access", "decoy", "break_glass_misuse"} <= found


def test_the_rarest_days_lead_whichever_way_they_are_found(run: tuple[Path, Data]) -> None:
    data = run[1]
    export = next(n for n, one in enumerate(data.truth["incidents"]) if one["scenario"] == "mass_export")
    for rank in (baselines.forest, baselines.ecod):
        groups = rank(data)
        assert all(math.isfinite(group.score) for group in groups.values())
        ordered = sorted(groups.values(), key=lambda group: -group.score)
        place = next(number for number, group in enumerate(ordered) if export in group.incidents)
        assert place < len(ordered) / 20


def test_injected_looks_leave_no_fingerprints(run: tuple[Path, Data]) -> None:
    """Kinds that are wrong by what the raw event says (a bypass, an export, a broken glass) may be found by it."""
    data = run[1]
    found = checks.leak(data, len(data.truth["incidents"]))
    assert found["incidents"] > 20
    assert found["found"] <= checks.LEAK * found["incidents"]


def test_a_tree_finds_looks_that_do_have_a_fingerprint(run: tuple[Path, Data]) -> None:
    data = run[1]
    whole = array("i", data.looks.raw["second"])
    for row in range(len(data.looks)):
        if data.looks.incident[row] >= 0:
            data.looks.raw["second"][row] = 99  # no minute has so many
    try:
        found = checks.leak(data, len(data.truth["incidents"]))
    finally:
        data.looks.raw["second"] = whole
    assert found["found"] > checks.LEAK * found["incidents"]


def test_shuffled_labels_are_found_by_chance_alone(run: tuple[Path, Data]) -> None:
    data = run[1]
    assert checks.shuffled(data, set()) == 0.0
    every = {(data.looks.user[row], data.looks.at[row] // (7 * DAY)) for row in data.measured}
    assert checks.shuffled(data, every) == len(data.truth["incidents"])


def test_a_group_that_is_accused_three_times_as_often_shows() -> None:
    rows = ratios({"role": {"radiologist": [30, 100], "nurse": [20, 200]}})
    found = {row["group"]: row for row in rows}
    assert found["radiologist"]["ratio"] == pytest.approx(1.8)
    assert found["radiologist"]["low"] > 1
    assert found["nurse"]["high"] < 1
