"""The protocol's table as text."""

from collections.abc import Iterator, Sequence
from typing import Any

from governance.simulation.evaluation.checks import LEAK
from governance.simulation.evaluation.intervals import Share
from governance.simulation.evaluation.pooling import Pooled, Result, pooled

_MEGA = 1_000_000
_DELAYS = {"first": "from the first bad event", "last": "from the last", "sent": "until the day's end"}


def table(results: Sequence[Result]) -> str:
    """Write the table of some runs, a section a mix."""
    return "\n".join(line for one in pooled(results) for line in _section(one)) + "\n"


def summary(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Give the chief figures of each mix, for machines."""
    return [
        {
            "mix": one.mix,
            "runs": len(one.results),
            "alerts_per_10k": round(one.rate(), 4),
            "notices_per_10k": round(one.rate("notices"), 4),
            "strict_recall": _row(one.recall()),
            "recall": _row(one.recall(how="loose")),
            "macro_recall": one.macro(),
            "precision": _row(one.precision()),
            "scenarios": {name: _row(one.recall(name)) for name in one.scenarios()},
            "bursts_before_sixth": _row(one.early()),
            "baselines": {name: _baseline(one, name) for name in one.results[0]["baselines"]},
            "fairness": one.fairness(),
            "leak": _row(one.leak()),
        }
        for one in pooled(results)
    ]


def _section(one: Pooled) -> Iterator[str]:
    first = one.results[0]
    seeds = ", ".join(str(result["seed"]) for result in one.results)
    yield f"== {one.mix}: seeds {seeds}, size {first['size']}, {first['days']} days of which {first['warm_up']} warm-up"
    yield _line("looks measured", f"{one.sum('looks'):,.0f} (events in all {one.sum('events'):,.0f})")
    yield _line(
        "alerts of 10,000 looks", f"{one.rate():.2f}, worst seed {max(one.rates()):.2f} ({one.sum('alerts'):.0f})"
    )
    yield _line("notices of 10,000 looks", f"{one.rate('notices'):.2f} ({one.sum('notices'):.0f})")
    yield _line("alerts a trust and week", f"{one.a_trust_week():.2f}")
    yield _line("taken back by the service", f"{one.sum('withdrawn'):.0f}")
    if one.recall().total:
        yield from _recall(one)
    yield _line("false alerts a user and year", f"{one.false_a_year():.3f}")
    yield _line("alerts naming more than one", f"{one.sum('named_more_than_one'):.0f}")
    yield from _explained(one)
    yield from _rules(one)
    yield from _fairness(one)
    yield from _runs(one)
    yield ""


def _recall(one: Pooled) -> Iterator[str]:
    yield _line("strict recall, micro", str(one.recall()))
    yield _line("recall by name and time", str(one.recall(how="loose")))
    yield _line("strict recall, macro", "-" if one.macro() is None else f"{one.macro():.2f}")
    yield _line("precision, strict", str(one.precision()))
    yield _line("precision by name and time", str(one.precision("true_loosely")))
    yield _line("precision at 20, trust and month", str(one.top()))
    false, stated = one.precision(), one.stated()
    realised = "-" if false.value is None else f"{1 - false.value:.2f}"
    yield _line(
        "false share, realised and stated",
        f"{realised}, " + (f"{sum(stated) / len(stated):.2f}" if stated else "not stated"),
    )
    for kind, words in (
        ("first", "from the first bad event"),
        ("last", "from the last"),
        ("sent", "until the day's end"),
    ):
        middle, tail = one.delay(kind, 0.5), one.delay(kind, 0.9)
        if middle is not None and tail is not None:
            yield _line(f"hours {words}", f"median {middle:.1f}, p90 {tail:.1f}")
    yield _line("bursts told before the sixth", str(one.early()))
    yield _line("rightful viewers named", f"{one.sum('rightful_named'):.0f}")
    for name in one.scenarios():
        yield _line(f"  {name}", str(one.recall(name)))
    yield "  baselines                          a 10,000   strict recall               precision"
    ours = f"{one.rate():10.2f}   {one.recall()!s:26} {one.precision()}"
    yield f"    {'this service':30} {ours}"
    for name in one.results[0]["baselines"]:
        rate, recall, precision = one.baseline(name)
        yield f"    {name:30} {rate:10.2f}   {recall!s:26} {precision}"
    mark = "" if (one.leak().value or 0) <= LEAK else "  LEAKS"
    yield _line("leak: a tree on raw fields", f"{one.leak()}{mark}")
    yield _line("labels shuffled: found on average", f"{one.sum('shuffled'):.2f} of {one.recall().total}")


def _explained(one: Pooled) -> Iterator[str]:
    service, region = one.explained("service"), one.explained("region")
    yield _line("explained, as the service says", "not said" if service is None else str(service))
    yield _line("explained, by what was sent", str(region))


def _rules(one: Pooled) -> Iterator[str]:
    false = one.counted("false_by_rule")
    for name, count in one.counted("alerts_by_rule").most_common(12):
        yield _line(f"  alerts of {name}"[:44], f"{count}, {false[name]} of them false")
    for name, count in one.counted("notices_by_rule").most_common(6):
        yield _line(f"  notices of {name}"[:44], str(count))


def _fairness(one: Pooled) -> Iterator[str]:
    rows = one.fairness()
    if rows:
        worst = max(rows, key=lambda row: row["low"])
        yield _line("innocents: worst group", _ratio(worst))
        for row in rows:
            yield f"    {row['kind']:16} {row['group']:24} {_ratio(row)}"


def _runs(one: Pooled) -> Iterator[str]:
    for result in one.results:
        rate = result["events"] / max(1.0, result["seconds"])
        memory = f"{result['memory'] / _MEGA:.0f} MB"
        yield _line(
            f"  seed {result['seed']}", f"{result['seconds']:.0f} s, {rate:.0f} events/s taken and judged, {memory}"
        )
        if result["dropped"]:
            named = "; ".join(f"{path}: {', '.join(names)}" for path, names in result["dropped"].items())
            yield _line("    not known to the service", named)
        for text in result.get("untaken", ()):
            yield _line("    not taken", text)
        for reason, count in sorted(result["refused"].items(), key=lambda item: -item[1])[:3]:
            yield _line("    refused", f"{count} of {reason}")


def _ratio(row: dict[str, Any]) -> str:
    return f"{row['ratio']:.2f} ({row['low']:.2f}-{row['high']:.2f}), {row['alerts']} alerts, {row['users']} people"


def _line(name: str, value: str) -> str:
    return f"  {name:36} {value}"


def _row(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {
        "value": share.value,
        "low": round(low, 4),
        "high": round(high, 4),
        "hits": share.hits,
        "total": share.total,
    }


def _baseline(one: Pooled, name: str) -> dict[str, Any]:
    rate, recall, precision = one.baseline(name)
    return {"per_10k": round(rate, 4), "strict_recall": _row(recall), "precision": _row(precision)}
