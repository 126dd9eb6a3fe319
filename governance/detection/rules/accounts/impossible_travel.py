"""W9: an account is used at two trusts' sites, closer in time than anybody travels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from governance.alerts import Evidence, Finding
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.rules.accounts._places import goes_on_there, place_of
from governance.detection.windows import AT, HOUR, INDEX, MINUTE, Row, Slots, add, moment, within
from governance.storage import from_microseconds
from governance.vocabulary import EventKind, Severity

_ACTS = Slots("acts", HOUR)
_TRUST, _DEVICE, _SESSION, _EVENT = 2, 3, 4, 5  # places in a row
_KEPT = 60
_EITHER_SIDE = 2  # acts that a side must show, or a sign-in


@dataclass(frozen=True, slots=True)
class ImpossibleTravel:
    """Compares acts at physical sites of different trusts; there is no table of distances, so a floor of minutes holds.

    One act alone may be a wrong site name: each side shows two within the hour, or a sign-in. The same device or
    session on both sides is a desktop that roams.

    Args:
        travel: less than anybody needs between two trusts' sites, clocks' difference included.
    """

    travel: timedelta = timedelta(minutes=12)
    id = "impossible_travel"
    family = "credentials"
    severity = Severity.HIGH
    window = timedelta(hours=1)
    kinds = acts.LOOKS | {EventKind.LOGIN}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Compare the act with those of the hour before and after."""
        event, subject = look.event, look.event.subject
        if subject is None or not acts.is_person(event) or not acts.succeeded(event) or acts.goes_on(event):
            return ()
        staff = acts.known(event, context)
        place = place_of(event, staff, state)
        if place is None:
            return ()
        at = moment(event)
        value = _ACTS.at(state, subject.id, at) or {"rows": [], "told": False}
        if goes_on_there(value["rows"], at, [place.trust, subject.device, subject.session]):
            return ()
        row = [at, event.index, place.trust, subject.device, subject.session, to_value(event)]
        if not add(value["rows"], row, _KEPT):
            return ()
        _ACTS.put(state, subject.id, at, value)
        near = _ACTS.near(state, subject.id, at)
        rows = within(near, "rows", at, _ACTS.width)
        if any(one["told"] for one in near) or not (jump := self._jump(rows)):
            return ()
        value["told"] = True
        _ACTS.put(state, subject.id, at, value)
        minutes = (jump[1][AT] - jump[0][AT]) // MINUTE
        sentence = (
            f"The account of {acts.spoken_role(event, staff)} was used at the sites of two trusts {max(minutes, 1)} "
            "minutes apart; nobody travels between them so fast."
        )
        evidence = Evidence("two_sites_too_soon", minutes, self.travel // timedelta(minutes=1), 0, None, sentence)
        events = [from_value(one[_EVENT]) for one in jump]
        about = acts.trust_of(event, staff)
        when = from_microseconds(jump[1][AT])
        return (acts.finding(self, events, [evidence], about=about, at=when, trusts=(about, jump[0][_TRUST])),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Acts are forgotten once no window can hold them."""
        return ()

    def _jump(self, rows: list[Row]) -> list[Row]:
        """Give the first two acts that are of different places and too close in time, with both sides made sure."""
        width = self.travel // MICROSECOND
        for one, other in pairwise(rows):
            if one[_TRUST] == other[_TRUST] or other[AT] - one[AT] > width or not _apart(one, other):
                continue
            if _sure(rows, one[_TRUST]) and _sure(rows, other[_TRUST]):
                return sorted([one, other], key=lambda row: (row[AT], row[INDEX]))
        return []


def _sure(rows: list[Row], trust: str) -> bool:
    at_site = [row for row in rows if row[_TRUST] == trust]
    return len(at_site) >= _EITHER_SIDE or any(row[_EVENT]["kind"] == EventKind.LOGIN.value for row in at_site)


def _apart(one: Row, other: Row) -> bool:
    same_device = one[_DEVICE] is not None and one[_DEVICE] == other[_DEVICE]
    same_session = one[_SESSION] is not None and one[_SESSION] == other[_SESSION]
    return not same_device and not same_session


RULE: Rule = ImpossibleTravel()
