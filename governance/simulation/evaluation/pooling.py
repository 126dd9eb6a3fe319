"""Joins the counts of runs of one mix: seeds are pooled by counts, and the worst is kept beside the whole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.simulation.evaluation.fairness import Groups, ratios
from governance.simulation.evaluation.intervals import Share, quantile

Result = dict[str, Any]
_YEAR = 365.25


@dataclass(frozen=True)
class Pooled:
    """The runs of one mix."""

    mix: str
    results: Sequence[Result]

    def sum(self, name: str) -> float:
        """Add up a count."""
        return float(sum(one[name] for one in self.results))

    def counted(self, name: str) -> Counter[str]:
        """Add up counts by name."""
        made: Counter[str] = Counter()
        for one in self.results:
            made.update(one[name])
        return made

    def rate(self, name: str = "alerts") -> float:
        """Give alerts (or notices) of 10,000 looks."""
        return 1e4 * self.sum(name) / max(1, self.sum("looks"))

    def rates(self, name: str = "alerts") -> list[float]:
        """Give the same of each seed."""
        return [1e4 * one[name] / max(1, one["looks"]) for one in self.results]

    def recall(self, scenario: str | None = None, how: str = "strict") -> Share:
        """Give the recall of a scenario, of all together where there is none."""
        total = Share(0, 0)
        for one in self.results:
            for name, row in one["scenarios"].items():
                if scenario in {None, name}:
                    total += Share(row[how], row["incidents"])
        return total

    def scenarios(self) -> list[str]:
        """Give the scenarios that were played."""
        return sorted({name for one in self.results for name in one["scenarios"]})

    def macro(self) -> float | None:
        """Give the mean of the scenarios' recalls."""
        values = [self.recall(name).value for name in self.scenarios()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    def precision(self, how: str = "true") -> Share:
        """Give the share of alerts that hold an incident's event."""
        return Share(int(self.sum(how)), int(self.sum("alerts")))

    def top(self) -> Share:
        """Give the precision of the twenty gravest of each trust and month."""
        return Share(sum(one["top"][0] for one in self.results), sum(one["top"][1] for one in self.results))

    def a_trust_week(self) -> float:
        """Give alerts a trust and week."""
        weeks = sum(one["trusts"] * one["measured_days"] / 7 for one in self.results)
        return self.sum("alerts") / float(weeks)

    def false_a_year(self) -> float:
        """Give how often somebody is named wrongly in a year."""
        years = sum(one["users"] * one["measured_days"] / _YEAR for one in self.results)
        return self.sum("false_named") / float(years)

    def delay(self, kind: str, share: float) -> float | None:
        """Give the median or another quantile of the hours until an incident was told."""
        return quantile([row[kind] for one in self.results for row in one["delays"]], share)

    def early(self) -> Share:
        """Give the share of bursts told before the sixth viewer."""
        return Share(sum(one["bursts"][1] for one in self.results), sum(one["bursts"][0] for one in self.results))

    def explained(self, who: str) -> Share | None:
        """Give the share explained, as the service says or as the region's feeds do."""
        found = [one["explained"][who] for one in self.results if one["explained"][who] is not None]
        return Share(sum(one[0] for one in found), sum(one[1] for one in found)) if found else None

    def fairness(self) -> list[dict[str, Any]]:
        """Give the ratios of the groups of innocents."""
        joined: Groups = {}
        for one in self.results:
            for kind, members in one["fairness"].items():
                for group, (alerts, users) in members.items():
                    counts = joined.setdefault(kind, {}).setdefault(group, [0, 0])
                    counts[0] += alerts
                    counts[1] += users
        return ratios(joined)

    def baseline(self, name: str) -> tuple[float, Share, Share]:
        """Give a baseline's alerts of 10,000 looks, its recall and its precision."""
        rows = [one["baselines"][name] for one in self.results]
        incidents = self.recall().total
        found, shown, right = (sum(row[key] for row in rows) for key in ("found", "alerts", "true"))
        rate = 1e4 * shown / max(1, self.sum("looks"))
        return rate, Share(round(found), incidents), Share(round(right), round(shown))

    def leak(self) -> Share:
        """Give what a tree on raw fields finds."""
        found = [one["leak"] for one in self.results if one["leak"] is not None]
        return Share(sum(one["found"] for one in found), sum(one["incidents"] for one in found))

    def stated(self) -> list[float]:
        """Give the shares of false alerts that were promised."""
        return [one["stated"] for one in self.results if one["stated"] is not None]


def pooled(results: Sequence[Result]) -> list[Pooled]:
    """Pool results by mix."""
    return [Pooled(mix, [one for one in results if one["mix"] == mix]) for mix in sorted({r["mix"] for r in results})]
