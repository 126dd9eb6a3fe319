"""Pages of a search (AuthZEN Authorization API 1.0, section 8.1): the same rules whatever is searched.

1. A hit is a candidate that is permitted. Nothing is a hit because an index or a filter says so.
2. A page is full when it has as many hits as its limit; that there is another page is known by one more hit.
3. A page asks about ``EXAMINED`` candidates at most. One that stops there says that there may be more, even when it
   found none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

EXAMINED = 1_000  # candidates of one page that the policy is asked about
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results: ``limit`` hits at most, those after the candidate ``after``."""

    limit: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class Collected(Generic[T]):
    """The hits of a page; ``after`` is where the next one goes on, None at the end."""

    hits: tuple[T, ...] = ()
    after: str | None = None
    examined: int = 0


def collect(candidates: Iterable[tuple[str, T]], permits: Callable[[T], bool], page: Page) -> Collected[T]:
    """Ask about each candidate until the page is full and one more hit is known to follow.

    Args:
        candidates: those after the page's start, each with its key, in the order of the keys.
        permits: decides; what it raises ends the search.
        page: how many hits are wanted.
    """
    hits: list[T] = []
    last, examined = page.after, 0
    for key, candidate in candidates:
        if examined == EXAMINED:
            return Collected(tuple(hits), last, examined)
        examined += 1
        if permits(candidate):
            if len(hits) == page.limit:
                return Collected(tuple(hits), last, examined)
            hits.append(candidate)
        last = key
    return Collected(tuple(hits), None, examined)
