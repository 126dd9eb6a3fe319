"""Following alerts as they change: a bounded, polite read of the notices that ends by itself.

1. A stream starts after the notice the reader last saw, or from now.
2. It is silent for at most ``keep_alive`` polls before it gives a sign of life.
3. It ends after ``polls`` polls, when the service stops, when the reader goes or may no longer read; the reader resumes
   by the last id.
4. Only ``maximum`` streams run at once: each holds a thread of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore, Event
from typing import Protocol

from governance.alerts.query import Notice, Viewer
from governance.errors import Unavailable


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """Seconds between polls, polls between signs of life, polls until the end, and streams at once."""

    poll: float = 0.5
    keep_alive: int = 30
    polls: int = 600
    maximum: int = 6


class NoticeSource(Protocol):
    """Where the changes come from: the alert service, which holds the streams and so cannot be imported here."""

    def latest_notice(self) -> int:
        """Give the number of the newest change."""
        ...

    def notices(self, viewer: Viewer, after: int, limit: int = 100) -> tuple[Notice, ...]:
        """Give the changes after a number that the viewer may see."""
        ...


class AlertStream:
    """One reader's stream: iterate it for notices, None being a sign of life; ``close`` it when the reader is gone."""

    def __init__(
        self,
        source: NoticeSource,
        viewer: Viewer,
        after: int | None,
        timing: StreamTiming,
        streams: AlertStreams,
        admits: Callable[[], bool],
    ) -> None:
        self._source = source
        self._viewer = viewer
        self._after = source.latest_notice() if after is None else after
        self._timing = timing
        self._streams = streams
        self._admits = admits
        self._closed = False

    def __iter__(self) -> Iterator[Notice | None]:
        yield None
        silent = 0
        for _ in range(self._timing.polls):
            if not self._admits():
                return
            found = self._source.notices(self._viewer, self._after)
            for notice in found:
                self._after = notice.sequence
                yield notice
            silent = 0 if found else silent + 1
            if silent >= self._timing.keep_alive:
                silent = 0
                yield None
            if self._closed or self._streams.stopping.wait(self._timing.poll):
                return

    def close(self) -> None:
        """Give the place back; may be called more than once."""
        if not self._closed:
            self._closed = True
            self._streams.release()


class AlertStreams:
    """The streams that run: counts their places and ends them when the service stops."""

    def __init__(self, source: NoticeSource, timing: StreamTiming | None = None) -> None:
        self._source = source
        self._timing = timing or StreamTiming()
        self._places = BoundedSemaphore(self._timing.maximum)
        self.stopping = Event()

    def open(self, viewer: Viewer, after: int | None, admits: Callable[[], bool] = lambda: True) -> AlertStream:
        """Start a stream after a notice, or from now, for as long as ``admits`` says that its reader may go on.

        Raises Unavailable when every place is taken.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable("alert.streams_full", "Every stream is taken; try again soon.", retry_after=5)
        try:
            return AlertStream(self._source, viewer, after, self._timing, self, admits)
        except BaseException:
            self._places.release()
            raise

    def release(self) -> None:
        """Take a place back."""
        self._places.release()

    def stop(self) -> None:
        """End every stream at its next poll."""
        self.stopping.set()
