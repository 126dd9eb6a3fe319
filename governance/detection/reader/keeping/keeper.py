"""The detectors' memory as the database keeps it: read when it is asked for, never as a whole.

Most keys that are asked for are new. Which are surely not on file is known without asking: a filter of ``BITS`` bits
holds two marks for each key ever written. It may think that a key is there, never that one is not, so what is found
does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from governance.detection.reader import _store
from governance.detection.reader.keeping.kept import Address, Changes, Due, Entry, Remembered, Value

BITS = 1 << 26  # 8 MiB: one in a hundred answers is wrong at about four million keys


class DatabaseKeeper:
    """Gives what the database keeps, on the snapshot of whoever reads.

    Args:
        session: the first snapshot, from which the keys are learnt.
    """

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session
        self._marks = bytearray(BITS // 8)
        for page in _store.keys(session):
            for address in page:
                self._mark(address)

    def read_on(self, session: Session | None) -> None:
        """Read on another snapshot; on none until the next is given."""
        self._session = session

    def take(self, changes: Changes) -> None:
        """Learn the keys of what was written."""
        for address, item in changes.values.items():
            if item is not None:
                self._mark(address)

    def value(self, rule_id: str, key: str) -> Remembered | None:
        """Give a value."""
        return _store.value(self._open(), rule_id, key) if self._marked((rule_id, key)) else None

    def values(self, rule_id: str) -> Iterable[tuple[str, Value]]:
        """Give every value of a rule, by key."""
        return _store.values(self._open(), rule_id)

    def due(self, after: int | None, until: int) -> Iterable[Due]:
        """Give the values that are due in a span."""
        return _store.due(self._open(), after, until)

    def entry(self, rule_id: str, key: str, name: str) -> Entry | None:
        """Give one entry of a list."""
        return _store.entry(self._open(), rule_id, key, name)

    def entries(self, rule_id: str, key: str, since: int, until: int, limit: int, *, newest_first: bool) -> list[Entry]:
        """Give the entries of a span."""
        return _store.entries(self._open(), (rule_id, key), (since, until), limit, newest=newest_first)

    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("the detectors' memory was asked outside a snapshot")
        return self._session

    def _places(self, address: Address) -> tuple[int, int]:
        found = hash(address)  # of this process alone: the filter is never written
        return found % BITS, (found // BITS ^ found) % BITS

    def _mark(self, address: Address) -> None:
        for place in self._places(address):
            self._marks[place >> 3] |= 1 << (place & 7)

    def _marked(self, address: Address) -> bool:
        return all(self._marks[place >> 3] >> (place & 7) & 1 for place in self._places(address))
