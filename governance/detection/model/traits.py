"""The traits of a look: who the patient is to the person, and what the look is like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from governance.audit.event import RecordedEvent
from governance.detection.knowledge.facts import Context, PatientFacts, StaffFacts

LARGEST_HOUSEHOLD = 8  # patients under one key; more are a residence
_RARE, _UNCOMMON, _FREQUENT = 2e-4, 1e-3, 4e-3  # shares of people with a surname
_DAYS, _MONTH = 3, 30


def ties_of(who: str, staff: StaffFacts | None, patient: PatientFacts | None, context: Context) -> dict[str, str]:
    """Give the tie traits of a person and a patient; everything is ``no`` where the registers say nothing."""
    traits = dict.fromkeys(("household", "coworker", "surname", "postcode", "flag"), "no")
    if patient is None:
        return traits
    if patient.flags & {"vip", "incident"}:
        traits["flag"] = "watched"
    elif patient.deceased_on is not None or "deceased" in patient.flags:
        traits["flag"] = "dead"
    if staff is None or who in patient.staff:
        return traits
    if staff.household is not None and staff.household in patient.households:
        traits["household"] = "same" if context.residents(staff.household) <= LARGEST_HOUSEHOLD else "no"
    if staff.surname is not None and staff.surname in patient.surnames:
        traits["surname"] = _surname(patient.surnames[staff.surname] or staff.surname_share)
    if staff.postcode is not None and staff.postcode in patient.postcodes:
        traits["postcode"] = "same"
    traits["coworker"] = _coworker(staff, [found for name in patient.staff if (found := context.staff(name, None))])
    return traits


def age_of(event: RecordedEvent, made: date | None) -> str:
    """Give how old the study was: of the last ``days``, the last ``month``, or ``older``; unknown is ``days``."""
    if made is None:
        return "days"
    age = (event.time.date() - made).days
    return "days" if age <= _DAYS else "month" if age <= _MONTH else "older"


def care_of(seen: Sequence[Sequence[object]], who: str, department: str | None, ods: str, day: int) -> str:
    """Give who else had a reason to look at the patient within a week: the ``team``, the ``trust``, others, ``nobody``.

    Args:
        seen: looks with a reason: ``[day, person, department, trust]``.
        who: whose look this is.
        department: where they work.
        ods: their trust.
        day: the day of the look.
    """
    best = "nobody"
    for at, person, other, trust in seen:
        if person == who or not isinstance(at, int) or abs(at - day) > 7:
            continue
        if trust == ods and other == department:
            return "team"
        best = "trust" if trust == ods else best if best == "trust" else "elsewhere"
    return best


def _surname(share: float | None) -> str:
    if share is None:
        return "frequent"
    if share < _UNCOMMON:
        return "rare" if share < _RARE else "uncommon"
    return "frequent" if share < _FREQUENT else "common"


def _coworker(staff: StaffFacts, others: Sequence[StaffFacts]) -> str:
    """Give how close two members of staff work; the closest counts where the patient works at several places."""
    found = "no"
    for other in others:
        if staff.teams & other.teams:
            return "team"
        if other.ods == staff.ods and other.department == staff.department and staff.department is not None:
            found = "department"
        elif other.ods == staff.ods and found != "department":
            found = "trust"
        elif found == "no":
            found = "elsewhere"
    return found
