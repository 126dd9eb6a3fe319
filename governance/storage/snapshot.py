"""A cache of look-ups for one read snapshot: looked up again on it, each could only give the same."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from sqlmodel import Session

from governance.lru import LruCache

CACHE = "governance.snapshot"  # in ``session.info`` of a snapshot, and of no write transaction
MOST = 2_048  # answers a snapshot keeps in any case, those asked for last; twice as many at most
_ABSENT = object()

T = TypeVar("T")


def begin(session: Session) -> None:
    """Give a session a cache for its look-ups; for a read snapshot only."""
    session.info[CACHE] = LruCache(MOST)


def cached(session: Session, key: Hashable, look: Callable[[], T]) -> T:
    """Give what a look-up gave before on this snapshot, or look and cache it; a write transaction always looks."""
    cache: LruCache[Hashable, object] | None = session.info.get(CACHE)
    if cache is None:
        return look()
    found = cache.get(key, _ABSENT)
    if found is _ABSENT:
        found = look()
        cache.put(key, found)
    return cast("T", found)


def cache_all(session: Session, answers: Mapping[Hashable, object]) -> None:
    """Cache what one statement gave for many look-ups, as if each had been made; for a write transaction do nothing."""
    cache: LruCache[Hashable, object] | None = session.info.get(CACHE)
    if cache is not None:
        for key, answer in answers.items():
            cache.put(key, answer)
