"""A bounded memory that keeps what was used last (LRU); threads may share it.

Two generations. What is kept goes to the young one. When that is full it becomes the old one, and what the old one held
is forgotten. What is found in the old one is kept anew, so whatever is in use outlives every change of generation.

1. The ``size`` entries used last are held, and twice as many at most (one more for each thread that is just keeping
   one).
2. It is never emptied: when it is full, what is asked for all the time is still there.
3. Finding and keeping cost about what they cost in a dictionary, which an exact order of use would not: no lock, and
   nothing moves. Only the change of generation takes the lock.
4. A value follows from its key, so threads that keep one under the same key at the same time keep the same.

For example: ``answers: LruCache[str, Answer] = LruCache(4_096)``, then ``answers.get(asked)`` and
``answers.put(asked, answer)``.
"""

import threading
from collections.abc import Hashable
from typing import Any, Generic, TypeVar, overload

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")
_ABSENT: Any = object()


class LruCache(Generic[K, V]):
    """Values by key.

    Args:
        size: how many of the entries used last are held in any case; one at least.
    """

    __slots__ = ("_lock", "_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("a memory holds one entry at least")
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Give how many values are held; one that was found in the old generation counts twice."""
        return len(self._young) + len(self._old)

    @overload
    def get(self, key: K) -> V | None: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    def get(self, key: K, default: D | None = None) -> V | D | None:
        """Give the value of a key, which counts as used now; the default when it is not held."""
        found: V = self._young.get(key, _ABSENT)
        if found is _ABSENT:
            found = self._old.get(key, _ABSENT)
            if found is _ABSENT:
                return default
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep a value."""
        young = self._young
        if len(young) >= self._size and key not in young:
            young = self._changed(young)
        young[key] = value

    def _changed(self, full: dict[K, V]) -> dict[K, V]:
        """Let a full generation grow old, once whoever notices, and give the young one."""
        with self._lock:
            if self._young is full:
                self._old, self._young = full, {}
            return self._young
