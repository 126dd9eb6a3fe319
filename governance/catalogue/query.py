"""A query for studies: a condition, and the names among which to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from governance.catalogue.condition import NEVER, Condition


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """Asks for the studies that meet a condition, among those of the names given; without any names, among all.

    ``condition`` speaks of ``study.`` ``custodian``, ``modality``, ``body_part``, ``label`` and ``age_days``, the last
    counted to ``today``. ``custodians`` are ODS codes, ``patients`` ``p-…``, ``studies`` ``t-…``.
    """

    condition: Condition
    today: date
    custodians: Sequence[str] | None = None
    patients: Sequence[str] | None = None
    studies: Sequence[str] | None = None

    @property
    def can_match(self) -> bool:
        """Say whether any study can meet the query at all."""
        named = [names for names in (self.custodians, self.patients, self.studies) if names is not None]
        return self.condition != NEVER and all(named)
