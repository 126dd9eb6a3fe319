"""What the archive holds, as the region's feeds state it: whose studies, and who has a reason to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from governance.simulation.archive.files import CT, MR, OVERLAY, DicomFile
from governance.simulation.client import Surface
from governance.simulation.identity_provider.accounts import Accounts
from governance.simulation.population import nhs_numbers
from governance.simulation.showcase import REPORTER, SELF

OWNER = "RRK"  # the trust whose archive it is
_NUMBERS = 900_200  # offset of its invented patients' NHS numbers, apart from the showcase's


@dataclass(frozen=True, slots=True)
class Holding:
    """A study: its file, its patient's NHS number, and who has it on a worklist."""

    file: DicomFile
    patient: str
    reader: str | None


READABLE = CT  # radiologist.rkb has it on a worklist
UNREADABLE = MR  # nobody has
SELF_READ = OVERLAY  # its patient is staff.patient.rkb, who has it on a worklist


def holdings(accounts: Accounts) -> tuple[Holding, ...]:
    """Give what the archive holds."""
    numbers = nhs_numbers(_NUMBERS)
    own = accounts.accounts[SELF].patient
    if own is None:
        raise ValueError(f"{SELF} is nobody's patient")
    return (
        Holding(READABLE, next(numbers), REPORTER),
        Holding(UNREADABLE, next(numbers), None),
        Holding(SELF_READ, own, SELF),
    )


def send_feeds(surface: Surface, held: Sequence[Holding], today: date) -> None:
    """Send the service the studies, their patients and the worklists, through its public surface.

    Raises:
        SurfaceError: it refused a line.
    """
    surface.post_lines("/catalogue/v1/studies", map(_study, held))
    surface.post_lines("/relationships/v1/edges", [_edge(each, today) for each in held if each.reader])


def _study(held: Holding) -> dict[str, Any]:
    row = {
        "id": held.file.study_uid,
        "custodians": [OWNER],
        "patient": held.patient,
        "modality": held.file.modality,
        "study_date": held.file.study_date.isoformat(),
    }
    return row | ({"body_part": held.file.body_part} if held.file.body_part else {})


def _edge(held: Holding, today: date) -> dict[str, Any]:
    start = datetime.combine(today - timedelta(days=1), time(8), UTC)
    return {
        "id": f"archive-{held.file.name}",
        "kind": "worklist",
        "subject": held.reader,
        "patient": held.patient,
        "study_uid": held.file.study_uid,
        "ods": OWNER,
        "from": start.isoformat().replace("+00:00", "Z"),
        "until": (start + timedelta(days=60)).isoformat().replace("+00:00", "Z"),
        "source": f"ris-{OWNER.lower()}",
    }
