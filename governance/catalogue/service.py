"""The catalogue of imaging studies: what may be asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from governance.catalogue import _store
from governance.catalogue.condition import NEVER, Condition
from governance.catalogue.study import Study
from governance.storage.snapshot import remember, remembered

PAGE = 1_000  # studies in one page


@dataclass(frozen=True, slots=True)
class Way:
    """A way to studies: those that meet a condition, among those of the names given; without any names, among all.

    ``condition`` speaks of ``study.`` ``custodian``, ``modality``, ``body_part``, ``label`` and ``age_days``, the last
    counted to ``today``. ``custodians`` are ODS codes, ``patients`` ``p-…``, ``studies`` ``t-…``.
    """

    condition: Condition
    today: date
    custodians: Sequence[str] | None = None
    patients: Sequence[str] | None = None
    studies: Sequence[str] | None = None

    @property
    def leads(self) -> bool:
        """Say whether the way can lead to any study at all."""
        named = [names for names in (self.custodians, self.patients, self.studies) if names is not None]
        return self.condition != NEVER and all(named)


class Catalogue:
    """Finds studies by UID, by pseudonym and by what leads to them, and takes them from the feed.

    Every method takes the caller's session first: a read snapshot, or for :meth:`upsert` a write transaction.
    """

    def study(self, session: Session, study_uid: str) -> Study | None:
        """Find a study by its DICOM study instance UID."""
        return remembered(session, ("study", study_uid), lambda: _store.by_uid(session, study_uid))

    def prepare(self, session: Session, study_uids: Collection[str]) -> None:
        """Read in one go the studies that :meth:`study` is to be asked for on this snapshot."""
        found = self.studies(session, study_uids)
        remember(session, {("study", uid): found.get(uid) for uid in study_uids})

    def study_by_pseudonym(self, session: Session, study: str) -> Study | None:
        """Find a study by its pseudonym ``t-…``: the only name the log knows it by."""
        return next(iter(_store.by_pseudonyms(session, [study])), None)

    def studies_by_pseudonym(self, session: Session, studies: Collection[str]) -> dict[str, Study]:
        """Find many studies by pseudonym in one go; unknown ones are left out."""
        return {study.study: study for study in _store.by_pseudonyms(session, sorted(set(studies)))}

    def reached(self, session: Session, ways: Sequence[Way], after: str = "", limit: int = PAGE) -> tuple[Study, ...]:
        """Give a page of the studies that any of some ways leads to, in the order of their pseudonyms.

        Args:
            session: a read snapshot.
            ways: what is wanted.
            after: the pseudonym to go on after.
            limit: how many at most; fewer means that there are no more.
        """
        sought = [(way.condition, way.today, way.custodians, way.patients, way.studies) for way in ways]
        return tuple(_store.reached(session, [_store.Sought(*one) for one in sought], after, limit))

    def studies(self, session: Session, study_uids: Collection[str]) -> dict[str, Study]:
        """Find many studies by UID in one go; unknown ones are left out."""
        return {study.study_uid: study for study in _store.by_uids(session, sorted(set(study_uids)))}

    def upsert(self, session: Session, studies: Sequence[Study]) -> None:
        """Insert or replace studies whole, custodians included; of two with one UID the last wins."""
        _store.put(session, studies)
