"""Policy data kept current: compiled when it changed, handed to whoever subscribed."""

from collections.abc import Callable
from threading import RLock

from governance.agreements import _store
from governance.agreements._records import RecordReader
from governance.agreements.compilation import PolicyData, compile_policy
from governance.agreements.model import Agreement
from governance.storage import Database
from governance.vocabulary import AgreementStatus

Subscriber = Callable[[PolicyData], None]


class PolicyPublisher:
    """Compiles the policy data of this process and publishes it.

    The database counts every change of the policy inside the transaction that makes it; :meth:`refresh` compares the
    count and compiles outside any write transaction, so a long compilation never holds up the audit log. Calls are
    serialised: subscribers see revisions in order.
    """

    def __init__(self, database: Database, reader: RecordReader) -> None:
        self._database = database
        self._reader = reader
        self._lock = RLock()
        self._published: int | None = None
        self._policy: PolicyData | None = None
        self._unsigned: tuple[tuple[str, int], ...] = ()
        self._subscribers: list[Subscriber] = []

    def refresh(self) -> PolicyData:
        """Compile and publish if the policy changed since it was last published here; give what is current.

        A subscriber that raises stops the publication, and the next call tries it again.
        """
        with self._lock:
            with self._database.reading() as session:
                generation = _store.generation(session)
                if self._policy is not None and generation == self._published:
                    return self._policy
                found = self._reader.compilables(session, _store.compilable(session))
            previous, self._policy = self._policy, compile_policy(found)
            self._unsigned = tuple(
                sorted(
                    _name(one.agreement)
                    for one in found
                    if one.status is AgreementStatus.ACTIVE and not one.fully_signed
                )
            )
            if self._published is None or previous is None or previous.revision != self._policy.revision:
                for subscriber in self._subscribers:
                    subscriber(self._policy)
            self._published = generation
            return self._policy

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hand the current policy data over now and again after every change; gives the call that ends it."""
        with self._lock:
            subscriber(self.refresh())
            self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.remove(subscriber)

        return unsubscribe

    @property
    def current(self) -> PolicyData:
        """Give the policy data last published here, compiling it the first time."""
        return self._policy or self.refresh()

    @property
    def unsigned(self) -> tuple[tuple[str, int], ...]:
        """Give the active versions kept out of the policy because a signature no longer counts."""
        return self._unsigned


def _name(agreement: Agreement) -> tuple[str, int]:
    return agreement.id, agreement.version
