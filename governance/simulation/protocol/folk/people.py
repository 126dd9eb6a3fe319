"""Who lives and works in the region: trusts, staff and patients."""

from dataclasses import dataclass, field
from typing import Any

from governance.simulation.protocol.folk.ties import Home, keyed, patient_key
from governance.vocabulary import Role

RADIOLOGY = "radiology"
CLINICAL = (
    "emergency",
    "acute_medicine",
    "surgery",
    "orthopaedics",
    "oncology",
    "neurology",
    "respiratory",
    "cardiology",
    "womens_health",
    "paediatrics",
    "intensive_care",
)
# role, department (None: any clinical one), share of the staff, share of it that works shifts
POSTS: tuple[tuple[Role, str | None, float, float], ...] = (
    (Role.CONSULTANT_RADIOLOGIST, RADIOLOGY, 0.075, 0.25),
    (Role.REPORTING_RADIOGRAPHER, RADIOLOGY, 0.025, 0.10),
    (Role.RADIOGRAPHER, RADIOLOGY, 0.11, 0.60),
    (Role.CLINICIAN, None, 0.43, 0.45),
    (Role.NURSE, None, 0.285, 0.70),
    (Role.MDT_COORDINATOR, "oncology", 0.03, 0.0),
    (Role.PACS_ADMIN, "imaging_systems", 0.015, 0.1),
    (Role.RESEARCHER, "research", 0.02, 0.0),
    (Role.IG_OFFICER, "governance", 0.01, 0.0),
)


@dataclass(slots=True)
class Trust:
    """A trust of the region: how large it is, where it works, and the day from which it takes part."""

    ods: str
    name: str
    weight: float
    sites: tuple[str, ...]
    departments: tuple[str, ...]
    favourites: tuple[int, ...] = ()  # surnames that are common in its town
    opens: int = 0

    @property
    def archive(self) -> str:
        """Give the name of its archive as a source."""
        return f"archive-{self.ods.lower()}"

    @property
    def decisions(self) -> str:
        """Give the name of its decision point as a source."""
        return f"pdp-{self.ods.lower()}"


@dataclass(slots=True, eq=False)
class Patient:
    """A patient; ``staff`` when they also work in the region, ``vip`` when everybody knows them."""

    number: str
    ods: str
    home: Home
    sex: str
    age: int
    staff: "Staff | None" = None
    flags: set[str] = field(default_factory=set)
    died: int | None = None  # day number

    def row(self, shares: dict[int, float], day: str | None = None) -> dict[str, Any]:
        """Give the line of the patients feed; ``day`` is when they died."""
        made: dict[str, Any] = {"id": self.number} | ties(self.home, shares)
        if self.staff is not None:
            made["staff_id"] = self.staff.id
        if self.flags:
            made["flags"] = sorted(self.flags)
        if day is not None:
            made["deceased_on"] = day
        return made


@dataclass(slots=True, eq=False)
class Staff:
    """A member of staff; ``patient`` when they are a patient of the region themselves."""

    id: str
    ods: str
    role: Role
    department: str
    site: str
    team: str
    pattern: str  # day or shift
    phase: int
    busy: int  # 1 to 3
    home: Home
    manager: str | None = None
    patient: Patient | None = None
    training: str = ""
    leaves_on: str | None = None
    away: list[tuple[int, int]] = field(default_factory=list)  # day numbers: first, and the one after the last

    def row(self, shares: dict[int, float]) -> dict[str, Any]:
        """Give the line of the staff feed."""
        made: dict[str, Any] = {
            "id": self.id,
            "ods": self.ods,
            "role": self.role.value,
            "department": self.department,
            "site": self.site,
            "team_ids": [self.team],
            "training_valid_to": self.training,
        }
        if self.manager is not None:
            made["manager"] = self.manager
        if self.patient is not None and self.home.known:
            made["patient_key"] = patient_key(self.patient.number)
        if self.leaves_on is not None:
            made["leaves_on"] = self.leaves_on
        return made | ties(self.home, shares)

    def away_on(self, day: int) -> bool:
        """Say whether somebody is on leave, gone, or not yet there."""
        return any(first <= day < after for first, after in self.away)


def ties(home: Home, shares: dict[int, float]) -> dict[str, Any]:
    """Give the ties of somebody's home as the feeds carry them."""
    if not home.known:
        return {}
    return {
        "household_key": keyed("household", str(home.number)),
        "surname_key": keyed("surname", str(home.surname)),
        "surname_share": shares[home.surname],
        "postcode_key": keyed("postcode", home.postcode),
    }
