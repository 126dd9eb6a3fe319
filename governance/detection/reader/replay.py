"""A replay: the same rules over a span of the log, with memory and findings of its own. Nothing that lives is touched.

1. It reads snapshots and writes nothing. What its rules remember is in this process and begins empty, so a baseline
   knows what the span holds and no more. Earlier looks are those of the span, as the replay itself explained them.
2. The same span of the same log gives the same bytes: findings with their ids, evidence and what was taken back.
3. Rules may be run with other settings (:func:`changed_rules`); their names and types are checked.
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, cast

from governance.alerts import Evidence, Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection.acts import patient_of, study_of
from governance.detection.explanation.look import UNEXPLAINED, Explanation, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import NEWEST, Earlier, Known, Past
from governance.detection.rule import Found, Rule
from governance.errors import Fault, InvalidInput

LOOKS = 200_000  # looks of the span that late facts can still explain; the oldest go first
_ID_LENGTH = 20  # base32 characters: 100 bits
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"([0-9]+)([smhd])")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found.

    Args:
        first, last: the indexes of the log it read, the last one not included.
        events: how many events there were.
        findings: each finding with its id, as JSON, in the order in which it was first found. One that was taken back
            whole has ``withdrawn``.
    """

    first: int
    last: int
    events: int
    findings: tuple[Mapping[str, Any], ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the findings that stand, and those taken back, by rule."""
        found: dict[str, dict[str, int]] = {}
        for finding in self.findings:
            row = found.setdefault(finding["rule_id"], {"alert": 0, "notice": 0, "withdrawn": 0})
            row["withdrawn" if finding["withdrawn"] else finding["kind"]] += 1
        return dict(sorted(found.items()))


class Sink:
    """Takes findings and revisions as the alerts do, in this process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Finding, list[str]]] = {}

    def take(self, found: Sequence[Found]) -> None:
        """Take what a step found."""
        for each in found:
            if isinstance(each, Finding):
                before = self._held.get(each.key)
                events = set(each.events) | (set(before[0].events) if before else set())
                self._held[each.key] = (replace(each, events=tuple(sorted(events))), before[1] if before else [])
            elif each.key in self._held:
                self._revise(each)

    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """Give every finding as JSON."""
        return tuple(_document(finding, reasons) for finding, reasons in self._held.values())

    def _revise(self, revision: Revision) -> None:
        finding, reasons = self._held[revision.key]
        left = tuple(index for index in finding.events if index not in revision.gone)
        evidence = finding.evidence if revision.evidence is None else revision.evidence
        self._held[revision.key] = (replace(finding, events=left, evidence=evidence), [*reasons, revision.reason])


class Looks:
    """The looks of a replay, found by whom and what they name; beyond ``LOOKS`` the oldest are forgotten."""

    def __init__(self) -> None:
        self._held: OrderedDict[int, Look] = OrderedDict()
        self._named: dict[tuple[str, str] | None, OrderedDict[int, None]] = {}

    def keep(self, looks: Sequence[Look], changed: Sequence[tuple[Look, int]]) -> None:
        """Keep the looks of a step, and those that it explained anew."""
        explained = (look for look in looks if look.explanation is not None)
        for look in (*explained, *(look for look, _ in changed)):
            index = look.event.index
            self._held[index] = look
            for name in _names(look):
                self._named.setdefault(name, OrderedDict())[index] = None
        while len(self._held) > LOOKS:
            index, look = self._held.popitem(last=False)
            for name in _names(look):
                self._named[name].pop(index, None)
                if not self._named[name]:
                    del self._named[name]

    def get(self, index: int) -> Look | None:
        """Give the look of an index."""
        return self._held.get(index)

    def of(self, known: Known) -> list[tuple[int, Look]]:
        """Give the looks that a row could explain, newest first."""
        found = [(index, self._held[index]) for index in self._named.get(known.looked_up_by, ())]
        return sorted(found, key=lambda one: (one[1].event.time, one[0]), reverse=True)


class ReplayedPast:
    """The past of a replay: the log from the database, looks from the replay.

    Args:
        live: the past on the present snapshot.
        looks: the looks of the replay.
    """

    def __init__(self, live: Past, looks: Looks) -> None:
        self._live = live
        self._looks = looks

    def events(self, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give the log's events at some indexes."""
        return self._live.events(indexes)

    def named(self, source: str, event_id: str, before: int) -> RecordedEvent | None:
        """Find an event of a source by its id."""
        return self._live.named(source, event_id, before)

    def known(self, index: int) -> Sequence[Known]:
        """Give the rows that became known with an entry."""
        return self._live.known(index)

    def looks_of(self, rows: Sequence[Known], since: datetime, before: int, limit: int = NEWEST) -> Sequence[Earlier]:
        """Give the replay's own looks that some rows could explain, by index: of each row the newest."""
        found: dict[int, Look] = {}
        for known in rows:
            mine = (one for one in self._looks.of(known) if one[0] < before and one[1].event.time >= since)
            found |= dict(islice(mine, limit))
        return [
            Earlier(index, look.event.time, look.explanation or UNEXPLAINED) for index, look in sorted(found.items())
        ]

    def explained(self, indexes: Sequence[int]) -> Mapping[int, Explanation]:
        """Give the explanations that the replay gave."""
        held = {index: look.explanation for index in indexes if (look := self._looks.get(index)) is not None}
        return {index: explanation for index, explanation in held.items() if explanation is not None}

    def context(self, context: Context, events: Sequence[RecordedEvent], index: int) -> Context:
        """Give the facts as they were known right after an index."""
        return self._live.context(context, events, index)


def _names(look: Look) -> list[tuple[str, str]]:
    """Give what a look can be found by."""
    event = look.event
    named = {
        "patient": patient_of(event),
        "study": study_of(event),
        "subject": event.subject.id if event.subject else None,
    }
    return [(by, name) for by, name in named.items() if name is not None]


def changed_rules(rules: Sequence[Rule], settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Give the rules with other settings: ``{rule id: {setting: value}}``; a time is written as ``90s`` or ``72h``.

    Raises:
        InvalidInput: a rule or a setting that there is none of, or a value of another type; each is named.
    """
    faults = [Fault(f"/{name}", "is no detector") for name in sorted(settings.keys() - {rule.id for rule in rules})]
    made = [_changed(rule, settings.get(rule.id, {}), faults) for rule in rules]
    if faults:
        raise InvalidInput(faults, "The settings of a replay are not valid.")
    return tuple(made)


def _changed(rule: Rule, settings: Any, faults: list[Fault]) -> Rule:
    if not isinstance(settings, Mapping):
        faults.append(Fault(f"/{rule.id}", "must map settings to values"))
        return rule
    known = {field.name for field in fields(rule)} if is_dataclass(rule) else set[str]()
    values: dict[str, Any] = {}
    for name, given in settings.items():
        path, present = f"/{rule.id}/{name}", getattr(rule, str(name), None)
        if name not in known:
            faults.append(Fault(path, f"is no setting of it; there are {', '.join(sorted(known)) or 'none'}"))
        elif (value := _read(given, present)) is None:
            faults.append(Fault(path, f"must be {_wanted(present)}"))
        else:
            values[name] = value
    return cast("Rule", replace(cast("Any", rule), **values)) if values else rule


def _read(given: Any, present: Any) -> Any:
    """Give a value of the type that a setting has; None when it is none."""
    if isinstance(present, timedelta):
        found = _SPAN.fullmatch(given) if isinstance(given, str) else None
        return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
    if isinstance(present, bool) or isinstance(given, bool):
        return given if type(given) is type(present) else None
    if isinstance(present, int | float):
        number = isinstance(given, int | float) and given >= 0
        return type(present)(given) if number and (isinstance(present, float) or isinstance(given, int)) else None
    return given if isinstance(given, str) and isinstance(present, str) else None


def _wanted(present: Any) -> str:
    if isinstance(present, timedelta):
        return "a time such as 90s, 15m, 72h or 30d"
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(type(present), "a text")


def _document(finding: Finding, reasons: Sequence[str]) -> Mapping[str, Any]:
    digest = base64.b32encode(sha256(finding.key.encode()).digest())[:_ID_LENGTH].decode().lower()
    return {
        "id": f"f-{digest}",
        "rule_id": finding.rule_id,
        "family": finding.family,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "about": finding.about,
        "patient": finding.patient,
        "subjects": list(finding.subjects),
        "trusts": list(finding.trusts),
        "occurred_at": finding.occurred_at.isoformat(),
        "found_at": finding.found_at,
        "evidence": [_rounded(piece) for piece in finding.evidence],
        "events": list(finding.events[:200]),
        "total": max(finding.total, len(finding.events)),
        "withdrawn": not finding.events,
        "taken_back": list(reasons),
    }


def _rounded(piece: Evidence) -> Mapping[str, Any]:
    values = asdict(piece)
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
