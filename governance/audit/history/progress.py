"""How far the check of the whole log is: written by the process that checks, read by all of them.

It is a word for people and gauges. Nothing rests on it: whoever rewrites it gains a word that the next pass corrects.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from governance.audit.history import _store


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """Entries done of those there were when the pass began, when that was; the last whole pass; the last fault."""

    done: int
    size: int
    began_at: datetime
    whole_at: datetime | None = None
    whole_size: int | None = None
    fault: str | None = None

    def words(self) -> str:
        """Say it in a sentence that names no number of entries."""
        share = 100 if not self.size else 100 * self.done // self.size
        if self.fault is not None:
            return "The last check of the whole log found that it is not whole."
        if self.whole_at is None:
            return f"The first check of the whole log is at {share} %."
        found = f"The whole log was found whole at {self.whole_at:%Y-%m-%d %H:%M:%S UTC}"
        return f"{found}." if self.done >= self.size else f"{found}; the next check is at {share} %."


def save(session: Session, progress: CheckProgress) -> None:
    """Keep how far the check is."""
    _store.save_progress(session, asdict(progress))


def read(session: Session) -> CheckProgress | None:
    """Give how far the check is, None before the first."""
    found = _store.progress(session)
    return None if found is None else CheckProgress(**found)
