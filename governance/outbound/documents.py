"""Documents of strangers that are needed again and again: fetched, kept, served while they are renewed, never hammered.

1. A document is good for ``lifetime``. After that the last good one goes on serving, for ``stale`` since its fetch,
   while one fetch runs; whoever began the fetch waits for it a moment (``patience``), nobody else at all.
2. Whoever cannot use what is there (nothing, too old, or not what it needs) waits for the fetch that runs, ``most``
   seconds at most.
3. After a fetch the next one begins no sooner than in ``cool_down`` when it failed, in ``renewal`` when it did not.
   Meanwhile the failure is the answer to whoever has no document; a fault of ours is raised to whoever began the fetch,
   unless the last document still serves.
4. One fetch runs for an address at a time, in a thread of its own. The ``capacity`` documents used last are kept.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from governance.errors import Unavailable
from governance.outbound.budget import seconds_left

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NEVER_FETCHED = Unavailable("outbound.timeout", "The document did not come in time.")


@dataclass(slots=True)
class _Fetch:
    """One fetch under way."""

    over: Event = field(default_factory=Event)
    fault: Exception | None = None


@dataclass(slots=True)
class _Entry(Generic[T]):
    """What is known of one address; its lock is held for moments, never during a fetch."""

    document: T | None = None
    fetched_at: datetime | None = None
    next_at: datetime | None = None
    failure: Unavailable | None = None
    fetch: _Fetch | None = None
    lock: Lock = field(default_factory=Lock)

    def younger(self, age: timedelta, now: datetime) -> bool:
        return self.fetched_at is not None and now - self.fetched_at < age


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a document serves, and how soon it is asked for again (rules 1 to 4 of the module)."""

    lifetime: timedelta
    stale: timedelta
    cool_down: timedelta
    renewal: timedelta = timedelta(0)
    patience: float = 0.5  # seconds
    most: float = 6.0  # seconds
    capacity: int = 256


class Documents(Generic[T]):
    """Documents by their address.

    Args:
        fetch: gives the document at an address, within limits of its own; raises Unavailable.
        freshness: how long they serve.
    """

    def __init__(self, fetch: Callable[[str], T], freshness: Freshness) -> None:
        self._fetch = fetch
        self._freshness = freshness
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._lock = Lock()

    def get(self, address: str, now: datetime, enough: Callable[[T], bool] = lambda _document: True) -> T:
        """Give the document at an address.

        Args:
            address: where it is.
            now: this moment.
            enough: says whether a document holds what the caller needs; when even the newest does not, it is given.

        Raises:
            Unavailable: there is none that may still be used.
        """
        entry = self._entry(address)
        with entry.lock:
            holds = entry.document is not None and enough(entry.document)
            if holds and entry.younger(self._freshness.lifetime, now):
                return self._kept(entry, now)
            serves = holds and entry.younger(self._freshness.stale, now)
            fetch, began = entry.fetch, False
            if fetch is None and (entry.next_at is None or now >= entry.next_at):
                fetch = self._begin(address, entry, now)
                began = fetch is not None
        if fetch is not None and (began or not serves):
            fetch.over.wait(seconds_left(self._freshness.patience if serves else self._freshness.most))
        with entry.lock:
            if began and fetch is not None and fetch.fault and not entry.younger(self._freshness.stale, now):
                raise fetch.fault
            return self._kept(entry, now)

    def _begin(self, address: str, entry: _Entry[T], now: datetime) -> _Fetch | None:
        """Begin a fetch; the caller has the entry's lock. None when no thread can be started."""
        fetch = _Fetch()
        try:
            Thread(target=self._run, args=(address, entry, fetch, now), name="outbound-fetch", daemon=True).start()
        except RuntimeError:
            return None
        entry.fetch = fetch  # its thread waits for the lock before it takes this back
        return fetch

    def _kept(self, entry: _Entry[T], now: datetime) -> T:
        if entry.document is None or not entry.younger(self._freshness.stale, now):
            failure = entry.failure or _NEVER_FETCHED
            raise Unavailable(failure.reason, failure.detail, failure.retry_after)
        return entry.document

    def _run(self, address: str, entry: _Entry[T], fetch: _Fetch, now: datetime) -> None:
        document, failure = None, None
        try:
            document = self._fetch(address)
        except Unavailable as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - not ours to judge: who began the fetch gets it
            _log.exception("document not fetched")
            fetch.fault = error
        finally:  # whatever ended the fetch, the next one can begin
            self._end(entry, fetch, document, failure, now)

    def _end(
        self, entry: _Entry[T], fetch: _Fetch, document: T | None, failure: Unavailable | None, now: datetime
    ) -> None:
        pause = self._freshness.renewal if document is not None else self._freshness.cool_down
        with entry.lock:
            if document is not None:
                entry.document, entry.fetched_at = document, now
            entry.failure, entry.fetch, entry.next_at = failure, None, now + pause
        fetch.over.set()

    def _entry(self, address: str) -> _Entry[T]:
        with self._lock:
            entry = self._entries.setdefault(address, _Entry())
            self._entries.move_to_end(address)
            if len(self._entries) > self._freshness.capacity:
                self._entries.popitem(last=False)
            return entry
