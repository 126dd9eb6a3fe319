"""Real DICOM files: those that pydicom ships for its own tests, which are free of patients' data.

pydicom is imported when a file is read: it is there where the archive runs, not wherever the demo does.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class DicomFile:
    """One file; what it says of itself is read when it is asked."""

    name: str

    @property
    def path(self) -> Path:
        """Give where it is."""
        return Path(str(resources.files("pydicom"))) / "data" / "test_files" / self.name

    @cached_property
    def dataset(self) -> "Dataset":
        """Read it whole, pixels included."""
        from pydicom import dcmread

        return dcmread(self.path)

    @property
    def study_uid(self) -> str:
        """Give its Study Instance UID (0020,000D)."""
        return str(self.dataset.StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        """Give its Series Instance UID (0020,000E)."""
        return str(self.dataset.SeriesInstanceUID)

    @property
    def instance_uid(self) -> str:
        """Give its SOP Instance UID (0008,0018)."""
        return str(self.dataset.SOPInstanceUID)

    @property
    def modality(self) -> str:
        """Give its Modality (0008,0060)."""
        return str(self.dataset.Modality)

    @property
    def body_part(self) -> str | None:
        """Give its Body Part Examined (0018,0015), if it says."""
        return str(self.dataset.get("BodyPartExamined", "")) or None

    @property
    def study_date(self) -> date:
        """Give its Study Date (0008,0020)."""
        return datetime.strptime(str(self.dataset.StudyDate), "%Y%m%d").replace(tzinfo=UTC).date()


CT = DicomFile("CT_small.dcm")
MR = DicomFile("MR_small.dcm")
OVERLAY = DicomFile("examples_overlay.dcm")
