"""Keeps emergency grants: gives, finds, ends and forgets them, each change with its record in one commit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from governance.audit import Event, Recorder
from governance.emergency import _store
from governance.emergency.grant import KEPT, Grant, Scope, Submission
from governance.storage import Database
from governance.storage.snapshot import cached


class Repeated(Exception):
    """The submission is no repetition of the one that used its key or its denial before.

    ``key`` is True when the idempotency key was used with another body, False when the denial was answered before.
    """

    def __init__(self, *, key: bool) -> None:
        super().__init__()
        self.key = key


class EmergencyGrants:
    """Keeps emergency grants.

    Args:
        database: holds them.
        recorder: records each change in the change's own transaction.
    """

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def earlier(self, submission: Submission) -> Grant | None:
        """Give the grant that this very submission got before, None when its key is new or there is no key.

        Raises:
            Repeated: the caller used the key with another body.
        """
        with self._database.reading() as session:
            found = _store.keyed(session, submission)
        if found is None:
            return None
        grant, digest = found
        if digest != submission.digest:
            raise Repeated(key=True)
        return grant

    def give(self, grant: Grant, submission: Submission, event: Event) -> Grant:
        """Put a grant on file and in the log; of two equal submissions at once, both get the first one's.

        Raises:
            Repeated: the denial was answered before, or the key was used with another body.
        """
        with self._database.transaction() as session:
            if _store.insert(session, grant, submission):
                self._recorder.record_all_in(session, [event])
                return grant
        first = self.earlier(submission)
        if first is None:
            raise Repeated(key=False)
        return first

    def task(self, caller: str, task_id: str) -> Grant | None:
        """Find the grant of a task; None when there is none or it is another caller's."""
        with self._database.reading() as session:
            found = _store.of_task(session, task_id)
        return found if found is not None and found.caller == caller else None

    def running(self, session: Session, scope: Scope, at: datetime) -> Sequence[Grant]:
        """Give the grants for a scope that run at an instant; takes a read snapshot."""
        held = cached(session, ("grants", scope.subject, at), lambda: _store.running(session, scope.subject, at))
        return [grant for grant in held if grant.scope == scope]

    def revoke(self, grant: Grant, at: datetime, event: Event) -> Grant | None:
        """End a grant now; None when it no longer runs."""
        with self._database.transaction() as session:
            if not _store.end(session, grant.id, at):
                return None
            self._recorder.record_all_in(session, [event])
        return replace(grant, until=at, revoked_at=at)

    def end_all(self, session: Session, at: datetime) -> int:
        """End every grant now, in the transaction that records why; gives how many ran."""
        return _store.end_all(session, at)

    def forget(self, session: Session, now: datetime) -> int:
        """Drop the grants whose tasks can no longer be looked up; gives how many. The log keeps their record."""
        return _store.forget(session, now - KEPT)
