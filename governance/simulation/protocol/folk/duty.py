"""Who is at work when: day workers, shifts of early, late and night, leave, weekends and bank holidays."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from governance.simulation.protocol.folk.people import Staff
from governance.simulation.protocol.plan import Plan
from governance.simulation.protocol.times import HOUR
from governance.vocabulary import Role

BANK_HOLIDAYS = frozenset({date(2026, 8, 31)})
_CYCLE = ("early", "early", "late", "late", "night", "night", "off", "off", "off")
_BEGINS = {"day": 8, "early": 7, "late": 13, "night": 21}
_LASTS = {"day": 10, "early": 8, "late": 8, "night": 10}
_ON_CALL = 0.12  # share of day workers who come in at a weekend


class Duty:
    """Who is on duty on one day, by trust, department, role and shift."""

    def __init__(self, plan: Plan, staff: Sequence[Staff], day: int) -> None:
        self.day = day
        self._plan = plan
        self._on: dict[tuple[str, str | None, Role, str], list[Staff]] = defaultdict(list)
        self._all: dict[tuple[str, str | None, Role], list[Staff]] = defaultdict(list)
        self.working: list[tuple[Staff, str]] = []
        self._shifts: dict[str, str] = {}
        closed = is_closed(plan, day)
        for person in staff:
            if person.away_on(day):
                continue
            for department in (person.department, None):
                self._all[person.ods, department, person.role].append(person)
            shift = shift_of(person, day, closed=closed)
            if shift is None:
                continue
            self.working.append((person, shift))
            self._shifts[person.id] = shift
            for department in (person.department, None):
                self._on[person.ods, department, person.role, shift] += [person] * person.busy

    def pick(self, rng: Random, ods: str, department: str | None, role: Role, hour: int) -> Staff | None:
        """Pick somebody on duty at an hour; whoever is there of the role when nobody is on duty."""
        shifts = [name for name in ("day", "early", "late", "night") if covers(name, hour)]
        found = [person for shift in shifts for person in self._on.get((ods, department, role, shift), ())]
        if found:
            return rng.choice(found)
        others = self._all.get((ods, department, role)) or (self._all.get((ods, None, role)) if department else None)
        return rng.choice(others) if others else None

    def shift(self, person: Staff) -> str | None:
        """Give the shift somebody works today; None when they are off."""
        return self._shifts.get(person.id)

    def hours(self, person: Staff) -> tuple[int, int] | None:
        """Give from when to when somebody works today, in milliseconds of the day; None when they are off."""
        shift = self._shifts.get(person.id)
        return None if shift is None else (begins(shift), begins(shift) + (_LASTS[shift] + 2) * HOUR)

    def present(self, ods: str, department: str | None, role: Role) -> list[Staff]:
        """Give everybody of a role who is not away."""
        return self._all.get((ods, department, role), [])


def shift_of(person: Staff, day: int, *, closed: bool) -> str | None:
    """Give the shift somebody works on a day; None when they are off."""
    if person.pattern == "shift":
        name = _CYCLE[(day + person.phase) % len(_CYCLE)]
        return None if name == "off" else name
    if closed:
        return "day" if (day * 31 + person.phase) % 100 < 100 * _ON_CALL else None
    part_time = person.phase % 5 if person.phase % 3 == 0 else -1
    return None if day % 7 % 5 == part_time else "day"


def is_closed(plan: Plan, day: int) -> bool:
    """Say whether a day is a weekend's or a bank holiday."""
    at = plan.first_day + timedelta(days=day)
    return at.weekday() > 4 or (at in BANK_HOLIDAYS and plan.plays("bank_holiday"))


def begins(shift: str) -> int:
    """Give when a shift begins, in milliseconds from midnight."""
    return _BEGINS[shift] * HOUR


def in_shift(rng: Random, shift: str) -> int:
    """Draw a moment within a shift, in milliseconds from the midnight of its day; a night's may be the next morning."""
    return begins(shift) + rng.randrange(_LASTS[shift] * HOUR)


def covers(shift: str, hour: int) -> bool:
    """Say whether an hour of the day lies within a shift."""
    begin = _BEGINS[shift]
    return (hour - begin) % 24 < _LASTS[shift]
