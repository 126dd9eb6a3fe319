"""What one read snapshot has already told: asked again, it could only say the same."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from sqlmodel import Session

MEMORY = "governance.snapshot"  # in ``session.info`` of a snapshot, and of no write transaction
_MOST = 4_096  # answers kept; a snapshot that reads more begins anew

T = TypeVar("T")


def remembered(session: Session, key: Hashable, look: Callable[[], T]) -> T:
    """Give what a look-up gave before in this snapshot, or look and remember; a write transaction always looks."""
    memory: dict[Hashable, object] | None = session.info.get(MEMORY)
    if memory is None:
        return look()
    if key in memory:
        return cast("T", memory[key])
    if len(memory) >= _MOST:
        memory.clear()
    found = look()
    memory[key] = found
    return found


def remember(session: Session, answers: Mapping[Hashable, object]) -> None:
    """Let a snapshot remember what one reading of many told, as if each had been looked up; others forget it."""
    memory: dict[Hashable, object] | None = session.info.get(MEMORY)
    if memory is not None:
        if len(memory) + len(answers) > _MOST:
            memory.clear()
        memory.update(answers)
