"""Days that are played end now: what a night shift of yesterday does this morning has not happened yet."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.player import Plan, run

FIRST = date(2026, 11, 2)
MIDNIGHT = datetime(2026, 11, 5, tzinfo=UTC)  # the end of the third day


class Listening(Surface):
    """A surface that keeps the events it would send."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", Credentials.made("regional-feeds"), ())
        self.events: list[Mapping[str, Any]] = []

    def post_lines(
        self, path: str, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None] = lambda _count: None
    ) -> int:
        kept = list(rows)
        if path == "/audit/v1/events":
            self.events += kept
        return len(kept)


def _played(until: datetime | None) -> tuple[list[Mapping[str, Any]], list[datetime]]:
    surface = Listening()
    played = run(surface, Plan(("RRK", "RKB", "RJE"), FIRST, 3, until=until))
    assert played.events == len(surface.events)
    return surface.events, [incident.began for incident in played.incidents]


def test_nothing_is_sent_that_lies_ahead_and_nothing_else_is_left_out() -> None:
    whole, incidents = _played(None)
    last = max(datetime.fromisoformat(event["time"]) for event in whole)
    assert last > MIDNIGHT, "no shift goes on past midnight: this shows nothing"
    for until in (MIDNIGHT, MIDNIGHT + timedelta(hours=2), last):
        sent, told = _played(until)
        assert sent == [event for event in whole if datetime.fromisoformat(event["time"]) <= until]
        assert told == [began for began in incidents if began <= until]
    assert _played(last)[0] == whole
