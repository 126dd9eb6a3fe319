"""W8: one account is used from two places, or by two pairs of hands, at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.rules.accounts._places import goes_on_there, place_of
from governance.detection.windows import AT, DAY, HOUR, INDEX, MINUTE, Row, Slots, add, moment, within
from governance.storage import from_microseconds
from governance.vocabulary import EventKind, Severity

_ACTS = Slots("acts", HOUR)
_SITE, _TRUST, _DEVICE, _SESSION, _EVENT = 2, 3, 4, 5, 6  # places in a row
_KEPT = 60  # acts of one person in an hour that are kept
_HABIT = Habit("turns", 1.0)


@dataclass(frozen=True, slots=True)
class SharedCredentials:
    """Follows an account's acts of an hour by site, device and session.

    There and back: an act at one trust's site between two at another's, closer together than anybody travels. To and
    fro: at one site, turns between two devices with a session each, many more than people of the role take; a pooled
    workstation or a hand-over takes one turn, two screens at one desk take few.

    Args:
        travel: less than anybody needs from one trust's site to another's, clocks' difference included.
        least: turns in an hour below which nobody is compared.
        bits: how surprising the turns must be.
    """

    travel: timedelta = timedelta(minutes=15)
    least: int = 8
    bits: float = 14.0
    id = "shared_credentials"
    family = "credentials"
    severity = Severity.HIGH
    window = timedelta(hours=1)
    kinds = acts.LOOKS | {EventKind.LOGIN}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Put the act among those of the hour."""
        event = look.event
        subject = event.subject
        if subject is None or not acts.is_person(event) or not acts.succeeded(event) or acts.goes_on(event):
            return ()
        staff = acts.known(event, context)
        place = place_of(event, staff, state)
        if subject.device is None and subject.session is None and place is None:
            return ()
        at, role = moment(event), acts.peers_of(event, staff)
        value = _ACTS.at(state, subject.id, at) or {"rows": [], "told": {}, "role": role, "turns": 0}
        site, trust = (place.site, place.trust) if place else (None, None)
        if goes_on_there(value["rows"], at, [site, trust, subject.device, subject.session]):
            return ()
        row = [at, event.index, site, trust, subject.device, subject.session, to_value(event)]
        if not add(value["rows"], row, _KEPT):
            return ()
        _ACTS.put(state, subject.id, at, value)
        rows = within(_ACTS.near(state, subject.id, at), "rows", at, _ACTS.width)
        found = [*self._there_and_back(event, staff, rows, value), *self._to_and_fro(event, staff, rows, value, state)]
        _ACTS.put(state, subject.id, at, value)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """An hour is over: its turns, if it had any, count among those of the role."""
        if _ACTS.of(key) is not None and value["turns"]:
            _HABIT.learn(state, value["role"], value["turns"], at // DAY)
        return ()

    def _there_and_back(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value
    ) -> Iterable[Finding]:
        placed, width = [row for row in rows if row[_SITE] is not None], self.travel // MICROSECOND
        for first, middle, last in zip(placed, placed[1:], placed[2:], strict=False):
            if last[AT] - first[AT] > width or event.index not in {first[INDEX], middle[INDEX], last[INDEX]}:
                continue
            if first[_SITE] != last[_SITE] or first[_TRUST] == middle[_TRUST] or not _apart(first, middle):
                continue
            if not acts.tell(value, "there_and_back", 1, 10):
                continue
            minutes = max((last[AT] - first[AT]) // MINUTE, 1)
            sentence = (
                f"The account of {acts.spoken_role(event, staff)} was used at one trust's site, at another's and at "
                f"the first again within {minutes} minutes, on two devices."
            )
            evidence = Evidence("two_sites_at_once", minutes, int(width / MINUTE), 0, None, sentence)
            yield self._finding([first, middle, last], evidence, staff)

    def _to_and_fro(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value, state: RuleState
    ) -> Iterable[Finding]:
        near = [row for row in rows if abs(row[AT] - moment(event)) <= HOUR // 2 and row[_DEVICE] and row[_SESSION]]
        turns = [pair for pair in pairwise(near) if _apart(*pair)]
        value["turns"] = max(value["turns"], len(turns))
        if len(turns) < self.least or len({row[_DEVICE] for pair in turns for row in pair}) > 3:
            return
        usual = _HABIT.of(state, acts.peers_of(event, staff))
        bits = usual.bits(len(turns))
        if bits < self.bits or not acts.tell(value, "to_and_fro", len(turns), 2):
            return
        sentence = (
            f"The account of {acts.spoken_role(event, staff)} took {len(turns)} turns between two devices and sessions "
            f"in an hour; people of that role who take any take {usual.mean:.1f} ({usual.sample} hours compared)."
        )
        evidence = Evidence("turns_between_devices", len(turns), usual.mean, usual.sample, bits, sentence)
        yield self._finding([row for pair in turns for row in pair], evidence, staff)

    def _finding(self, rows: list[Row], evidence: Evidence, staff: StaffFacts | None) -> Finding:
        events = [from_value(row[_EVENT]) for row in rows]
        about = acts.trust_of(events[0], staff)
        return acts.finding(self, events, [evidence], about=about, at=from_microseconds(rows[-1][AT]), trusts=(about,))


def _apart(one: Row, other: Row) -> bool:
    """Say whether two acts are of different devices and different sessions, as far as anybody said."""
    if one[_DEVICE] is not None and one[_DEVICE] == other[_DEVICE]:
        return False
    return one[_SESSION] is None or one[_SESSION] != other[_SESSION]


RULE: Rule = SharedCredentials()
