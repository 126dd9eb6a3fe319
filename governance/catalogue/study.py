"""An imaging study, as far as access to it is concerned."""

from dataclasses import dataclass
from datetime import date

from governance.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Study:
    """A study and what decides who may open it.

    ``study_uid`` is the DICOM study instance UID, ``study`` its pseudonym ``t-…``, ``patient`` the patient's ``p-…``.
    ``custodians`` are the ODS codes of the trusts that answer for it, in the order the feed gave; empty means no owner,
    and no owner means no access. ``modality`` and ``body_part`` are DICOM code strings.
    """

    study_uid: str
    study: str
    custodians: tuple[str, ...]
    patient: str
    modality: str
    body_part: str | None
    study_date: date
    labels: frozenset[str] = frozenset()

    @property
    def decoy(self) -> bool:
        """Say whether this is a planted record that nobody has a reason to open."""
        return Label.DECOY in self.labels
