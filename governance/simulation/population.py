"""The people of a simulated region: staff and patients with the ties that matter, all invented.

Names and addresses never exist here, only what a source trust would send: keyed hashes of households, surnames and
postcodes. NHS numbers are of the 999 range, which is never issued, with a valid modulus-11 check digit.
"""

import hmac
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from governance.vocabulary import Role, is_nhs_number

_FIRST_NUMBER = 999_000_000  # nine digits; the check digit follows
_SURNAMES = 2_000
_STAFF_MIX: tuple[tuple[Role, str, float], ...] = (
    (Role.CONSULTANT_RADIOLOGIST, "radiology", 0.20),
    (Role.REPORTING_RADIOGRAPHER, "radiology", 0.08),
    (Role.RADIOGRAPHER, "radiology", 0.20),
    (Role.CLINICIAN, "emergency", 0.16),
    (Role.CLINICIAN, "neurology", 0.10),
    (Role.CLINICIAN, "orthopaedics", 0.12),
    (Role.NURSE, "emergency", 0.08),
    (Role.MDT_COORDINATOR, "oncology", 0.06),
)
_TIED_STAFF = 0.6  # share of staff who are patients of the region themselves
_HOUSEHOLD = 2.3  # people under one roof, on average


@dataclass(frozen=True, slots=True)
class Person:
    """What a feed says of anybody's home: keyed hashes, and how common the surname is (0 to 1)."""

    household_key: str
    surname_key: str
    surname_share: float
    postcode_key: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient of the region; ``staff_id`` when they also work there."""

    nhs_number: str
    home: Person
    staff_id: str | None = None

    def row(self) -> dict[str, Any]:
        """Give the line of the patients feed."""
        return _filled({"id": self.nhs_number, **_home(self.home), "staff_id": self.staff_id})


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff; ``patient`` is their own NHS number when they are a patient of the region."""

    id: str
    ods: str
    role: Role
    department: str
    site: str
    team_ids: tuple[str, ...]
    home: Person
    patient: str | None
    training_valid_to: date

    def row(self) -> dict[str, Any]:
        """Give the line of the staff feed."""
        return _filled(
            {
                "id": self.id,
                "ods": self.ods,
                "role": self.role.value,
                "department": self.department,
                "site": self.site,
                "team_ids": list(self.team_ids),
                "patient_key": self.patient,
                "training_valid_to": self.training_valid_to.isoformat(),
                **_home(self.home),
            }
        )


@dataclass(frozen=True)
class Population:
    """Everybody, drawn from one seed."""

    staff: tuple[Staff, ...]
    patients: tuple[Patient, ...]

    @cached_property
    def _by_trust_and_role(self) -> Mapping[tuple[str, Role], tuple[Staff, ...]]:
        found: dict[tuple[str, Role], tuple[Staff, ...]] = {}
        for person in self.staff:
            key = (person.ods, person.role)
            found[key] = (*found.get(key, ()), person)
        return found

    def working(self, ods: str, *roles: Role) -> tuple[Staff, ...]:
        """Give the staff of a trust in any of the roles."""
        return tuple(person for role in roles for person in self._by_trust_and_role.get((ods, role), ()))


def nhs_numbers(start: int = 0) -> Iterator[str]:
    """Give valid NHS numbers of the 999 range, one after another, from the given offset."""
    for body in range(_FIRST_NUMBER + start, _FIRST_NUMBER + 1_000_000):
        for check in "0123456789":
            if is_nhs_number(f"{body}{check}"):
                yield f"{body}{check}"


def draw(
    rng: random.Random, trusts: Sequence[str], *, staff_per_trust: int, patients_per_trust: int, today: date
) -> Population:
    """Draw a population.

    Args:
        rng: the only source of chance.
        trusts: ODS codes.
        staff_per_trust: at least one of each kind of staff is drawn however small this is.
        patients_per_trust: patients first seen at each trust.
        today: training dates are drawn around it.
    """
    key = rng.randbytes(32)
    numbers = nhs_numbers(rng.randrange(1_000) * 100)
    staff: list[Staff] = []
    patients: list[Patient] = []
    for ods in trusts:
        homes = _homes(rng, key, ods, round(patients_per_trust / _HOUSEHOLD) + staff_per_trust)
        for number, (role, department) in enumerate(_posts(rng, staff_per_trust)):
            member = f"{ods.lower()}-{role.value.replace('_', '-')}-{number:03d}"
            home = rng.choice(homes)
            own = next(numbers) if rng.random() < _TIED_STAFF else None
            if own is not None:
                patients.append(Patient(own, home, member))
            teams = (f"team-{ods.lower()}-{department}",)
            training = today + timedelta(days=rng.randint(20, 500))
            staff.append(Staff(member, ods, role, department, f"{ods.lower()}-main", teams, home, own, training))
        patients += [Patient(next(numbers), rng.choice(homes)) for _ in range(patients_per_trust)]
    return Population(tuple(staff), tuple(patients))


def _posts(rng: random.Random, count: int) -> list[tuple[Role, str]]:
    """Fill the posts of a trust: one of each kind first, the rest by their usual mix."""
    posts = [(role, department) for role, department, _ in _STAFF_MIX]
    kinds = [(role, department) for role, department, _ in _STAFF_MIX]
    weights = [weight for _, _, weight in _STAFF_MIX]
    return posts + rng.choices(kinds, weights, k=max(0, count - len(posts)))


def _homes(rng: random.Random, key: bytes, ods: str, count: int) -> list[Person]:
    """Draw households: surnames by Zipf's law, postcodes of about fifteen households each."""
    total = sum(1 / rank for rank in range(1, _SURNAMES + 1))
    ranks = rng.choices(range(1, _SURNAMES + 1), [1 / rank for rank in range(1, _SURNAMES + 1)], k=count)
    return [
        Person(
            household_key=_keyed(key, f"{ods}/household/{number}"),
            surname_key=_keyed(key, f"surname/{rank}"),
            surname_share=round(1 / rank / total, 6),
            postcode_key=_keyed(key, f"{ods}/postcode/{number // 15}"),
        )
        for number, rank in enumerate(ranks)
    ]


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()[:32]


def _home(home: Person) -> dict[str, Any]:
    return {
        "household_key": home.household_key,
        "surname_key": home.surname_key,
        "surname_share": home.surname_share,
        "postcode_key": home.postcode_key,
    }


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
