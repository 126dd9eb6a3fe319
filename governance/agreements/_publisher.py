"""Policy data kept current: compiled when it changed, handed to whoever subscribed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock

from sqlmodel import Session

from governance.agreements import _store
from governance.agreements._records import RecordReader
from governance.agreements.compilation import PolicyData, compile_policy
from governance.errors import Unavailable
from governance.storage import Database, locked
from governance.telemetry import get_logger
from governance.vocabulary import AgreementStatus

_log = get_logger(__name__)

Subscriber = Callable[[PolicyData], None]


class PolicyPublisher:
    """Compiles the policy data of this process and publishes it.

    The database counts every change of the policy inside the transaction that makes it; :meth:`refresh` compares the
    count and compiles outside any write transaction, so a long compilation never holds up the audit log. Calls are
    serialised: subscribers see revisions in order. A call waits :data:`~governance.storage.patience.LONG_PATIENCE` for
    another, whose subscribers may wait themselves (for the engine, for the write lock).
    """

    def __init__(self, database: Database, reader: RecordReader, rules: str) -> None:
        self._database = database
        self._rules = rules
        self._reader = reader
        self._lock = RLock()
        self._compiled: int | None = None
        self._published: int | None = None
        self._policy: PolicyData | None = None
        self._unsigned: tuple[tuple[str, int], ...] = ()
        self._subscribers: list[Subscriber] = []
        self._delivered: str | None = None

    def refresh(self) -> PolicyData:
        """Compile and publish if the policy changed since it was last published here; give what is current.

        Every subscriber is called even when one raises, for the new policy may be the narrower one; then the first
        failure is raised, and the next call goes to all of them again.

        Raises:
            Unavailable: another call did not end in time.
            Exception: what a subscriber raised.
        """
        with self._alone():
            generation, policy = self._newest()
            if policy.revision != self._delivered:
                self._deliver(policy)
            self._published = generation
            return policy

    def _newest(self) -> tuple[int, PolicyData]:
        """Give the count of changes and what is compiled of them, compiling if it changed."""
        with self._database.reading() as session:
            generation = _store.generation(session)
            if self._policy is None or generation != self._compiled:
                self._policy = self._compile(session)
                self._compiled = generation
            return generation, self._policy

    def behind(self, session: Session) -> bool:
        """Say whether a snapshot shows a policy that was not published here; one look-up, for every decision."""
        return _store.generation(session) != self._published

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hand the current policy data over now and again after every change; gives the call that ends it.

        A subscriber that cannot take it now (Unavailable) is told again by the next :meth:`refresh`: a part that is
        down at the start comes up later by itself.
        """
        with self._alone():
            generation, policy = self._newest()
            if not self._subscribers:
                self._delivered, self._published = policy.revision, generation
            try:
                subscriber(policy)
            except Unavailable as failure:
                _log.error("policy data not taken at the start", reason=failure.reason)
                self._delivered = self._published = None
            self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self._alone():
                self._subscribers.remove(subscriber)

        return unsubscribe

    @property
    def current(self) -> PolicyData:
        """Give the policy data last published here, compiling it the first time."""
        return self._policy or self.refresh()

    @property
    def unsigned(self) -> tuple[tuple[str, int], ...]:
        """Give the active versions kept out of the policy because a signature no longer counts."""
        with self._alone():
            self._newest()
            return self._unsigned

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self._lock, "policy.changing", "The agreements are changing at this moment. Ask again.")

    def _compile(self, session: Session) -> PolicyData:
        found = self._reader.compilables(session, _store.compilable(session))
        out = [one.agreement for one in found if one.status is AgreementStatus.ACTIVE and not one.fully_signed]
        self._unsigned = tuple(sorted((agreement.id, agreement.version) for agreement in out))
        return compile_policy(found, self._rules)

    def _deliver(self, policy: PolicyData) -> None:
        failures: list[Exception] = []
        for subscriber in self._subscribers:
            try:
                subscriber(policy)
            except Exception as failure:  # noqa: BLE001 - raised below, once everybody was called
                failures.append(failure)
        if failures:
            raise failures[0]
        self._delivered = policy.revision
