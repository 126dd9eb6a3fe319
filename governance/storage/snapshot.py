"""What one read snapshot has already told: asked again, it could only say the same."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from sqlmodel import Session

from governance.lru import LruCache

MEMORY = "governance.snapshot"  # in ``session.info`` of a snapshot, and of no write transaction
MOST = 2_048  # answers a snapshot remembers in any case, those it was asked for last; it holds twice as many at most
_ABSENT = object()

T = TypeVar("T")


def begin(session: Session) -> None:
    """Let a session remember what its look-ups gave; for a read snapshot only."""
    session.info[MEMORY] = LruCache(MOST)


def remembered(session: Session, key: Hashable, look: Callable[[], T]) -> T:
    """Give what a look-up gave before in this snapshot, or look and remember; a write transaction always looks."""
    memory: LruCache[Hashable, object] | None = session.info.get(MEMORY)
    if memory is None:
        return look()
    found = memory.get(key, _ABSENT)
    if found is _ABSENT:
        found = look()
        memory.put(key, found)
    return cast("T", found)


def remember(session: Session, answers: Mapping[Hashable, object]) -> None:
    """Let a snapshot remember what one reading of many told, as if each had been looked up; others forget it."""
    memory: LruCache[Hashable, object] | None = session.info.get(MEMORY)
    if memory is not None:
        for key, answer in answers.items():
            memory.put(key, answer)
