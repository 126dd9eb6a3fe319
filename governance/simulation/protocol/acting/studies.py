"""Examinations: what is made of whom, and the studies that it leaves."""

from dataclasses import dataclass
from random import Random
from typing import Any

from governance.simulation.protocol.folk.people import Patient
from governance.simulation.protocol.times import day_written

_ROOT = "1.2.826.0.1.3680043.10.1999"
# modality, body part, weight, images (usual number)
_GENERAL = (
    ("CR", "CHEST", 26, 2),
    ("DX", "KNEE", 9, 3),
    ("DX", "HAND", 6, 3),
    ("CT", "HEAD", 12, 120),
    ("CT", "CHEST", 11, 350),
    ("CT", "ABDOMEN", 11, 450),
    ("MR", "BRAIN", 6, 220),
    ("MR", "SPINE", 6, 180),
    ("US", "ABDOMEN", 9, 30),
    ("NM", "SKELETON", 1, 8),
    ("RF", "ABDOMEN", 1, 12),
    ("XA", "HEART", 2, 25),
)
_OF_DEPARTMENT = {
    "orthopaedics": (("DX", "KNEE", 5, 3), ("DX", "HIP", 5, 3), ("MR", "KNEE", 2, 150), ("CR", "SPINE", 2, 3)),
    "neurology": (("MR", "BRAIN", 5, 220), ("CT", "HEAD", 4, 120), ("MR", "SPINE", 2, 180)),
    "womens_health": (
        ("US", "PELVIS", 5, 40),
        ("MG", "BREAST", 5, 4),
        ("US", "BREAST", 2, 20),
        ("MR", "PELVIS", 1, 150),
    ),
    "cardiology": (("XA", "HEART", 3, 25), ("CT", "HEART", 2, 400), ("CR", "CHEST", 3, 2)),
    "respiratory": (("CT", "CHEST", 5, 350), ("CR", "CHEST", 6, 2)),
}
_WOMEN = frozenset({"womens_health"})


@dataclass(slots=True, eq=False)
class Study:
    """An examination's images; ``department`` asked for it."""

    uid: str
    ods: str
    patient: Patient
    modality: str
    body_part: str
    images: int
    taken: int
    department: str
    labels: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Give the line of the studies feed."""
        made: dict[str, Any] = {
            "id": self.uid,
            "custodians": [self.ods],
            "patient": self.patient.number,
            "modality": self.modality,
            "body_part": self.body_part,
            "study_date": day_written(self.taken),
        }
        return made | {"labels": list(self.labels)} if self.labels else made

    def resource(self, images: int) -> dict[str, Any]:
        """Give the resource of an event about it."""
        return {
            "study_uid": self.uid,
            "modality": self.modality,
            "body_part": self.body_part,
            "study_date": day_written(self.taken),
            "custodian": self.ods,
            "patient": self.patient.number,
            "instances": images,
        }


class Modalities:
    """Draws examinations and names their studies."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._serial = 0

    def take(self, rng: Random, ods: str, patient: Patient, department: str, taken: int) -> Study:
        """Make an examination of a patient for a department."""
        special = _OF_DEPARTMENT.get(department, ())
        kinds = special if special and rng.random() < 0.75 else _GENERAL
        modality, part, _, usual = rng.choices(kinds, [weight for _, _, weight, _ in kinds])[0]
        self._serial += 1
        images = max(1, int(usual * rng.lognormvariate(0, 0.4)))
        draw = rng.random()
        labels = ("sealed",) if draw < 0.0008 else ("sensitive",) if draw < 0.004 else ()
        uid = f"{_ROOT}.{self._run}.{self._serial}"
        return Study(uid, ods, patient, modality, part, images, taken, department, labels)


def suits(patient: Patient, department: str) -> bool:
    """Say whether a department sees such patients."""
    if department in _WOMEN:
        return patient.sex == "f" and patient.age > 15
    return (patient.age < 17) == (department == "paediatrics") if department != "emergency" else True
