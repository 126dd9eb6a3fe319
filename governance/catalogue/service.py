"""The catalogue of imaging studies: what may be asked for."""

from collections.abc import Collection, Sequence

from sqlmodel import Session

from governance.catalogue import _store
from governance.catalogue.study import Study

PAGE = 1_000  # studies of a trust in one page


class Catalogue:
    """Finds studies by UID, by pseudonym, by patient and by custodian, and takes them from the feed.

    Every method takes the caller's session first: a read snapshot, or for :meth:`upsert` a write transaction.
    """

    def study(self, session: Session, study_uid: str) -> Study | None:
        """Find a study by its DICOM study instance UID."""
        return _store.by_uid(session, study_uid)

    def study_by_pseudonym(self, session: Session, study: str) -> Study | None:
        """Find a study by its pseudonym ``t-…``: the only name the log knows it by."""
        return next(iter(_store.by_pseudonyms(session, [study])), None)

    def studies_by_pseudonym(self, session: Session, studies: Collection[str]) -> dict[str, Study]:
        """Find many studies by pseudonym in one go; unknown ones are left out."""
        return {study.study: study for study in _store.by_pseudonyms(session, sorted(set(studies)))}

    def is_decoy(self, session: Session, study: str) -> bool:
        """Say whether a study, by its pseudonym, is a planted record; an unknown one is not."""
        found = self.study_by_pseudonym(session, study)
        return found is not None and found.decoy

    def for_patient(self, session: Session, patient: str) -> tuple[Study, ...]:
        """Give a patient's studies (``p-…``), newest first."""
        return tuple(_store.by_patient(session, patient))

    def for_custodian(self, session: Session, ods: str, after: str = "", limit: int = PAGE) -> tuple[Study, ...]:
        """Give a page of the studies a trust answers for, in the order of their UIDs, those after ``after``."""
        return tuple(_store.by_custodian(session, ods, after, limit))

    def reached(
        self,
        session: Session,
        *,
        custodians: Collection[str],
        patients: Collection[str],
        studies: Collection[str],
        after: str = "",
        limit: int = PAGE,
    ) -> tuple[Study, ...]:
        """Give a page of the studies that any of three ways leads to, in the order of their pseudonyms.

        Args:
            session: a read snapshot.
            custodians: ODS codes: every study they answer for.
            patients: ``p-…``: every study of theirs.
            studies: ``t-…``: these studies.
            after: the pseudonym to go on after.
            limit: how many at most; fewer means that there are no more.
        """
        return tuple(_store.reached(session, custodians, patients, studies, after, limit))

    def count_for_custodian(self, session: Session, ods: str) -> int:
        """Count the studies a trust answers for."""
        return _store.custodian_count(session, ods)

    def upsert(self, session: Session, studies: Sequence[Study]) -> None:
        """Insert or replace studies whole, custodians included; of two with one UID the last wins."""
        _store.put(session, studies)
