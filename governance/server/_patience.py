"""How long a request waits: every view runs in a thread that waits so long in all for one answer of the database.

The rest of an answer that is sent bit by bit, a stream's say, is made in the same way: no bit of it waits longer.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask

from governance.storage import hurried

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def hurry(app: Flask, seconds: float) -> None:
    """Let every request of an application wait so long for one answer of the database."""
    inner: Application = app.wsgi_app

    def hurried_application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with hurried(seconds):
            answer = inner(environ, start_response)
        return answer if isinstance(answer, list | tuple) else _HurriedAnswer(answer, seconds)

    app.wsgi_app = hurried_application  # type: ignore[method-assign]


class _HurriedAnswer:
    """The parts of an answer, each made in a hurry; whoever hangs up ends it."""

    def __init__(self, parts: Iterable[bytes], seconds: float) -> None:
        self._parts = parts
        self._iterator: Iterator[bytes] = iter(parts)
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with hurried(self._seconds):
            return next(self._iterator)

    def close(self) -> None:
        """Let go of what the parts are made of (PEP 3333)."""
        close: Callable[[], None] | None = getattr(self._parts, "close", None)
        if close is not None:
            close()
