"""A worklist: four hundred studies of as many invented patients, all but every tenth of them the reporter's to read."""

import random
from datetime import date, timedelta
from itertools import islice
from typing import Any

from governance.simulation import showcase
from governance.simulation.client import Surface
from governance.simulation.population import nhs_numbers

SIZE = 400
_MODALITIES = ("CR", "CT", "MG", "MR", "US")
_BODY_PARTS = ("ABDOMEN", "BREAST", "CHEST", "HAND", "HEAD", "KNEE", "PELVIS", "SPINE")
_CHOICE = random.Random(20_261_124)  # the same worklist in every run


def studies() -> list[str]:
    """Give the study instance UIDs."""
    return [f"1.2.826.0.1.3680043.10.1999.2.{place}" for place in range(SIZE)]


def send(surface: Surface, today: date) -> None:
    """Send patients, studies and the reporter's reasons to look through the public surface."""
    patients = list(islice(nhs_numbers(800_000), SIZE))
    named = list(zip(studies(), patients, strict=True))
    surface.post_lines("/relationships/v1/patients", [{"id": patient} for patient in patients])
    surface.post_lines(
        "/catalogue/v1/studies",
        [_study(uid, patient, today) for uid, patient in named],
    )
    surface.post_lines(
        "/relationships/v1/edges",
        [
            showcase.worklist(f"worklist-{place}", showcase.REPORTER, patient, uid, today)
            for place, (uid, patient) in enumerate(named)
            if place % 10
        ],
    )


def _study(uid: str, patient: str, today: date) -> dict[str, Any]:
    return {
        "id": uid,
        "custodians": ["RRK"],
        "patient": patient,
        "modality": _CHOICE.choice(_MODALITIES),
        "body_part": _CHOICE.choice(_BODY_PARTS),
        "study_date": (today - timedelta(days=_CHOICE.randrange(14))).isoformat(),
        "labels": [],
    }
