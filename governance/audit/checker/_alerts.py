"""The alerts that entries tell of: each is there, as grave and as far as they say, and so is each act on it.

1. An entry tells that an alert was opened, told again, softened or closed by itself, and of each act of a person on it,
   and where that left it. What a finding adds to an alert (its evidence, the entries it rests on) and the words that
   people gave no entry holds: they are not compared. Entries of before there were verdicts of each trust say the change
   alone, and the state follows from it.
2. An alert, or an act, that no entry tells of is a stranger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.audit.checker._report import BESIDE, Finding
from governance.audit.checker._rows import is_own
from governance.audit.checker._written import RowsOf

_KINDS = frozenset({"audit_read", "config", "security_alert"})
_STATES = {"opened": "new", "assigned": "investigating", "closed": "closed"}


@dataclass(slots=True)
class _Told:
    """What entries say of one alert, and which said it last."""

    index: int
    severity: str | None = None
    state: str | None = None
    verdict: str | None = None


class AlertCheck:
    """Compares what entries say of alerts with what is there."""

    def __init__(self) -> None:
        self._alerts: dict[str, _Told] = {}
        self._acts: dict[int, tuple[int, str, str, str | None]] = {}
        self._verdicts: dict[tuple[str, str, str], tuple[int, str | None]] = {}

    def add(self, index: int, document: Mapping[str, Any]) -> None:
        """Take note of what one entry says of an alert."""
        detail = document.get("detail", {})
        alert, change = detail.get("alert"), detail.get("change")
        if not (isinstance(alert, str) and isinstance(change, str)) or document["kind"] not in _KINDS:
            return
        if not is_own(document):
            return
        told = self._alerts.setdefault(alert, _Told(index))
        told.severity = detail.get("severity", told.severity)
        if change in _STATES or "state" in detail:
            told.index, told.state = index, detail.get("state", _STATES.get(change))
        if change == "closed" or "concluded" in detail:
            told.verdict = detail.get("concluded", detail.get("verdict"))
        for capacity in detail.get("capacities", ()):
            self._verdicts[alert, str(detail.get("ods")), str(capacity)] = (index, detail.get("verdict"))
        if "history" in detail:
            self._acts[int(detail["history"])] = (index, alert, change, detail.get("verdict"))

    def end(self, rows_of: RowsOf) -> Iterator[Finding]:
        """Compare with the tables, which nobody looks at before an entry tells of an alert."""
        if not self._alerts:
            return
        names: dict[Any, str] = {}
        yield from self._compare(rows_of("alert", "number"), names)
        yield from self._compare_acts(rows_of("alert_history", "number"), names)
        if self._verdicts:
            yield from self._compare_verdicts(rows_of("alert_verdict", "alert_number"), names)

    def _compare(self, rows: Iterable[Mapping[str, Any]], names: dict[Any, str]) -> Iterator[Finding]:
        left = dict(self._alerts)
        for row in rows:
            names[row["number"]] = row["id"]
            told = left.pop(row["id"], None)
            if told is None:
                yield Finding(None, f"No entry tells of the alert {row['id']}.", kind=BESIDE)
            elif (row["severity"], row["state"], row["verdict"]) != (told.severity, told.state, told.verdict):
                sentence = f"The alert {row['id']} is not what entry {told.index} made of it."
                yield Finding(told.index, sentence, kind=BESIDE)
        for alert, told in left.items():
            yield Finding(told.index, f"The alert {alert}, of which entry {told.index} tells, is gone.", kind=BESIDE)

    def _compare_acts(self, rows: Iterable[Mapping[str, Any]], names: Mapping[Any, str]) -> Iterator[Finding]:
        left = dict(self._acts)
        for row in rows:
            alert = names.get(row["alert_number"])
            told = left.pop(row["number"], None)
            if told is None:
                yield Finding(None, f"No entry tells of an act on the alert {alert}.", kind=BESIDE)
            elif (alert, row["change"], row["verdict"]) != told[1:]:
                yield Finding(told[0], f"The act on an alert that entry {told[0]} tells of was changed.", kind=BESIDE)
        for index, alert, *_ in left.values():
            yield Finding(index, f"The act on the alert {alert} that entry {index} tells of is gone.", kind=BESIDE)

    def _compare_verdicts(self, rows: Iterable[Mapping[str, Any]], names: Mapping[Any, str]) -> Iterator[Finding]:
        left = dict(self._verdicts)
        for row in rows:
            if row["verdict"] is None:
                continue
            alert = names.get(row["alert_number"])
            told = left.pop((str(alert), row["ods"], row["capacity"]), None)
            if told is None:
                yield Finding(None, f"No entry tells of a verdict of {row['ods']} on the alert {alert}.", kind=BESIDE)
            elif told[1] != row["verdict"]:
                sentence = f"The verdict on an alert that entry {told[0]} tells of was changed."
                yield Finding(told[0], sentence, kind=BESIDE)
        for (alert, ods, _), (index, _) in left.items():
            yield Finding(index, f"The verdict of {ods} on the alert {alert} is gone.", kind=BESIDE)
