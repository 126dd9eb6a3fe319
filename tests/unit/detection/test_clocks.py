"""Whose time it is: watermarks a source, late streams, learnt lags and rhythms."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection.acts import finding
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.clocks import LATENESS, MICROSECOND, Clocks
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory, RuleState, Value
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import EventKind, Severity
from tests.worlds.detection import BEGAN, LittleRegion, event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Alone:
    """Opens a case at an access, closes it at an import of the same person, and tells of what is never closed."""

    id = "alone"
    family = "alone"
    severity = Severity.LOW
    window = timedelta(days=2)
    kinds = frozenset({EventKind.ACCESS, EventKind.IMPORT})

    def __init__(self) -> None:
        self.nows: list[int] = []

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterator[Finding]:
        who = look.event.subject.id if look.event.subject else ""
        self.nows.append(state.now)
        if look.event.kind is EventKind.IMPORT:
            state.drop(who)
        else:
            at = to_microseconds(look.event.time)
            state.put(who, {"index": look.event.index}, at + self.window // MICROSECOND)
        yield from ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterator[Finding]:
        told = event(value["index"], from_microseconds(at), {"who": key, "patient": "p-1"})
        yield finding(self, [told], [Evidence("alone", 1, None, 0, None, "Never closed.")], about="p-1")


def found_by(events: Iterable[RecordedEvent], rule: Alone | None = None) -> list[str | None]:
    found = Scorer([rule or Alone()]).score(list(events), LittleRegion(), RuleMemory())
    return [each.subject for each in found if isinstance(each, Finding)]


def log_of(*rows: tuple[timedelta, dict[str, object]]) -> list[RecordedEvent]:
    return [event(index, BEGAN + after, row) for index, (after, row) in enumerate(rows)]


LIVE = {"kind": "login", "who": "s-ann", "source": "live"}


def spool(begins: timedelta, source: str) -> list[tuple[timedelta, dict[str, object]]]:
    """Give ten days of one archive: each case is closed a day later, and one never is."""
    rows: list[tuple[timedelta, dict[str, object]]] = []
    for number in range(8):
        who = f"s-{number}"
        rows.append((begins + number * DAY, {"who": who, "patient": "p-1", "source": source}))
        if number != 3:
            rows.append(
                (begins + (number + 1) * DAY, {"kind": "import", "who": who, "patient": "p-1", "source": source})
            )
    return sorted(rows, key=lambda row: row[0])


def test_a_spool_beside_live_events_is_judged_by_its_own_time() -> None:
    """Between any two of its events an hour of live time passes: far more than what lateness allows."""
    rows: list[tuple[timedelta, dict[str, object]]] = [(20 * DAY, LIVE)]
    for number, row in enumerate(spool(timedelta(0), "cut-off")):
        rows += [row, (20 * DAY + (number + 1) * timedelta(minutes=20), LIVE)]
    assert found_by(log_of(*rows)) == ["s-3"]


def test_a_backlog_that_its_source_sends_beside_live_events_is_judged_by_its_own_time() -> None:
    rows: list[tuple[timedelta, dict[str, object]]] = [(20 * DAY, LIVE)]
    for number, row in enumerate(spool(timedelta(0), "live")):
        rows += [row, (20 * DAY + (number + 1) * timedelta(minutes=20), LIVE)]
    assert found_by(log_of(*rows)) == ["s-3"]


def test_what_a_spool_left_open_is_told_once_nothing_of_it_comes_any_more() -> None:
    rows = [(20 * DAY, LIVE), (timedelta(0), {"who": "s-1", "patient": "p-1", "source": "cut-off"})]
    assert found_by(log_of(*rows, (20 * DAY + HOUR / 2, LIVE))) == []
    assert found_by(log_of(*rows, (20 * DAY + 2 * HOUR, LIVE))) == ["s-1"]


def test_now_is_the_time_of_the_sources_of_what_is_judged() -> None:
    rule = Alone()
    access = {"who": "s-1", "patient": "p-1"}
    found_by(log_of((20 * DAY, access | {"source": "live"}), (DAY, access | {"source": "cut-off"})), rule)
    assert [from_microseconds(now) - BEGAN for now in rule.nows] == [20 * DAY, DAY]


def test_a_source_that_is_alive_holds_the_watermark_back_and_a_silent_one_does_not() -> None:
    clocks = Clocks()
    rows = [(timedelta(minutes=5 * n), LIVE | {"source": name}) for n in range(60) for name in ("one", "two")]
    for each in log_of(*rows):
        clocks.see(each)
    front = BEGAN + timedelta(minutes=5 * 59)
    held = front - timedelta(minutes=5) - LATENESS  # looked at as the last minute began
    assert clocks.watermark == to_microseconds(held)
    last = log_of(*rows, *((timedelta(minutes=5 * n), LIVE | {"source": "one"}) for n in range(60, 72)))[-12:]
    for each in last[:3]:
        clocks.see(each)
    assert clocks.watermark == to_microseconds(front - LATENESS), "the other one may yet send what is from before"
    for each in last[3:]:
        clocks.see(each)
    assert clocks.watermark == to_microseconds(front + HOUR - LATENESS), "it has been silent for longer than ever"


def test_a_lag_is_learnt_and_one_spool_teaches_nothing() -> None:
    clocks = Clocks()
    rows: list[tuple[timedelta, dict[str, object]]] = []
    for number in range(200):
        at = timedelta(minutes=10 * number)
        rows += [(at, LIVE), (at - timedelta(minutes=50), LIVE | {"source": "slow"})]
    rows += [(timedelta(hours=-24) + timedelta(seconds=n), LIVE | {"source": "live"}) for n in range(2_000)]
    rows.append((timedelta(minutes=2_005), LIVE))
    for each in log_of(*rows):
        clocks.see(each)
    slow, live = clocks.source("slow"), clocks.source("live")
    assert slow is not None
    assert live is not None
    assert timedelta(minutes=50) <= slow.lag * MICROSECOND <= timedelta(minutes=70)
    assert live.lag * MICROSECOND == LATENESS


def test_months_of_history_loaded_in_an_hour_have_no_lag() -> None:
    clocks = Clocks()
    for number in range(500):
        at = BEGAN + number * HOUR
        clocks.see(event(number, at, LIVE | {"recorded_at": BEGAN + 90 * DAY + number * timedelta(seconds=1)}))
    live = clocks.source("live")
    assert live is not None
    assert live.lag * MICROSECOND == LATENESS


def test_clocks_survive_a_restart_between_any_two_events() -> None:
    rows: list[tuple[timedelta, dict[str, object]]] = [(20 * DAY, LIVE), *spool(timedelta(0), "live"), (21 * DAY, LIVE)]
    rows += spool(timedelta(0), "late")
    whole, steps = Clocks(), Clocks()
    kept: dict[str, Value | None] = {}
    for each in log_of(*rows):
        assert whole.see(each) == steps.see(each)
        kept |= steps.changes()
        steps = Clocks()
        steps.restore((name, value) for name, value in kept.items() if value is not None)
        assert (whole.front, whole.watermark, whole.settled) == (steps.front, steps.watermark, steps.settled)
