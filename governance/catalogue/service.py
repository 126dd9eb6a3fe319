"""The catalogue of imaging studies: what may be asked for."""

from collections.abc import Collection, Sequence

from sqlmodel import Session

from governance.catalogue import _store
from governance.catalogue.query import StudyQuery
from governance.catalogue.study import Study
from governance.storage.snapshot import cache_all, cached

PAGE = 1_000  # studies in one page


class Catalogue:
    """Finds studies by UID, by pseudonym and by query, and takes them from the feed.

    Every method takes the caller's session first: a read snapshot, or for :meth:`upsert` a write transaction.
    """

    def study(self, session: Session, study_uid: str) -> Study | None:
        """Find a study by its DICOM study instance UID."""
        return cached(session, ("study", study_uid), lambda: _store.by_uid(session, study_uid))

    def prepare(self, session: Session, study_uids: Collection[str]) -> None:
        """Read in one go the studies that :meth:`study` is to be asked for on this snapshot."""
        found = self.studies(session, study_uids)
        cache_all(session, {("study", uid): found.get(uid) for uid in study_uids})

    def study_by_pseudonym(self, session: Session, study: str) -> Study | None:
        """Find a study by its pseudonym ``t-…``: the only name the log knows it by."""
        return next(iter(_store.by_pseudonyms(session, [study])), None)

    def studies_by_pseudonym(self, session: Session, studies: Collection[str]) -> dict[str, Study]:
        """Find many studies by pseudonym in one go; unknown ones are left out."""
        return {study.study: study for study in _store.by_pseudonyms(session, sorted(set(studies)))}

    def search(
        self, session: Session, queries: Sequence[StudyQuery], after: str = "", limit: int = PAGE
    ) -> tuple[Study, ...]:
        """Give a page of the studies that meet any of some queries, in the order of their pseudonyms.

        Args:
            session: a read snapshot.
            queries: what is wanted.
            after: the pseudonym to go on after.
            limit: how many at most; fewer means that there are no more.
        """
        return tuple(_store.search(session, queries, after, limit))

    def studies(self, session: Session, study_uids: Collection[str]) -> dict[str, Study]:
        """Find many studies by UID in one go; unknown ones are left out."""
        return {study.study_uid: study for study in _store.by_uids(session, sorted(set(study_uids)))}

    def upsert(self, session: Session, studies: Sequence[Study]) -> None:
        """Insert or replace studies whole, custodians included; of two with one UID the last wins."""
        _store.put(session, studies)
