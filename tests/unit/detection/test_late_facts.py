"""What comes late: silent feeds and held looks, rows that explain what came before, accesses that go on with others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from governance.alerts import Evidence, Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.explaining import PlainExplainer
from governance.detection.explanation.look import ExplanationKind, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import Known
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.silence import HELD_FOR
from governance.detection.reader.state import RuleMemory, RuleState, Value
from governance.detection.rule import Found, Rule
from governance.vocabulary import SYSTEM, AlertKind, Severity
from tests.worlds.detection import BEGAN, LittlePast, LittleRegion, event, region

HOUR = timedelta(hours=1)


class Bare:
    """Finds each look that nothing explains, and takes it back once something does."""

    id = "bare"
    family = "bare"
    severity = Severity.LOW
    window = timedelta(0)
    kinds = acts.LOOKS
    contextual = True

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterator[Found]:
        if look.unexplained:
            evidence = Evidence("bare", state.now, None, 0, None, "Nothing explains it.")
            yield acts.finding(self, [look.event], [evidence], about=acts.patient_of(look.event))

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterator[Found]:
        yield from ()

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterator[Found]:
        if before.unexplained and not after.unexplained:
            key = f"bare|{after.event.subject.id if after.event.subject else '-'}|{acts.patient_of(after.event)}|"
            yield Revision(key + str(after.event.index), 0, (after.event.index,), "It is explained now.")


class Hard:
    """Counts looks and what they grew by; needs no explanation."""

    id = "hard"
    family = "hard"
    severity = Severity.LOW
    window = timedelta(0)
    kinds = acts.LOOKS

    def __init__(self) -> None:
        self.seen: list[tuple[int, ExplanationKind | None]] = []
        self.grown: list[tuple[int, int]] = []

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterator[Found]:
        self.seen.append((look.event.index, look.explanation.kind if look.explanation else None))
        yield from ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterator[Found]:
        yield from ()

    def grows(self, look: Look, part: RecordedEvent, context: Context, state: RuleState) -> Iterator[Found]:
        self.grown.append((look.event.index, part.index))
        yield from ()


@dataclass
class Reading:
    """Reads a log a few events at a time, as the engine does."""

    rows: list[tuple[timedelta, dict[str, Any]]]
    known: Mapping[int, list[Known]] = field(default_factory=dict)
    world: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 7
    budget: int = 500
    hard: Hard = field(default_factory=Hard)
    ties: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # what comes on file with an entry

    def found(self) -> list[Found]:
        log = [event(index, BEGAN + after, row) for index, (after, row) in enumerate(self.rows)]
        rules: list[Rule] = [Bare(), self.hard]
        past, memory = LittlePast(log, dict(self.known)), RuleMemory()
        scorer, found, start = Scorer(rules, PlainExplainer()), list[Found](), 0
        known: LittleRegion = region(self.world)
        while start < len(log):
            end = min(start + self.batch, *(index for index in (*self.ties, len(log)) if index > start))
            if start in self.ties:
                known.known_ties += region({"ties": [self.ties[start]]}).known_ties
            step = scorer.step(log[start:end], known, memory, past, self.budget)
            memory.settle()
            past.keep(step.looks, step.changed)
            memory = RuleMemory(keeper=memory.keeper)
            found += step.found
            start += step.done
        return found


LOGIN = {"kind": "login", "who": "s-ann"}
FEED = {"kind": "config", "who": "feeder", "type": "service", "source": SYSTEM, "detail": {"feed": "edges"}}
LOOK = {"who": "s-nia", "patient": "p-1", "study": "t-1"}


def hourly(hours: Iterable[int]) -> list[tuple[timedelta, dict[str, Any]]]:
    """Give hours in each of which somebody signs in and the feed of relationships comes."""
    rows: list[tuple[timedelta, dict[str, Any]]] = []
    for hour in hours:
        rows += [(hour * HOUR, LOGIN), (hour * HOUR + timedelta(minutes=1), FEED)]
    return rows


def signing_in(hours: Iterable[int]) -> list[tuple[timedelta, dict[str, Any]]]:
    return [(hour * HOUR, LOGIN) for hour in hours]


def notices(found: Iterable[Found]) -> list[tuple[str, str, str]]:
    told = [each for each in found if isinstance(each, Finding) and each.kind is AlertKind.NOTICE]
    return [(each.family, each.about, piece.signal) for each in told for piece in each.evidence]


def bare(found: Iterable[Found]) -> list[int]:
    return [each.events[0] for each in found if isinstance(each, Finding) and each.rule_id == "bare"]


def outage(*, explained: bool) -> Reading:
    """Six hours without the feed, and a look in the midst of it whose reason comes with the catch-up, or never."""
    rows = [*hourly(range(12)), *signing_in((12, 13, 14)), (14.5 * HOUR, LOOK), *signing_in((15, 16, 17))]
    back = len(rows) + 1
    rows += hourly(range(18, 22))
    tie = {"who": "s-nia", "patient": "p-1", "from": "14h"}
    return Reading(rows, ties={back: tie} if explained else {})


def test_a_silent_feed_is_one_notice_and_looks_meanwhile_are_held() -> None:
    reading = outage(explained=True)
    found = reading.found()
    assert notices(found) == [
        ("context_degraded", "edges/RRK", "feed_silent"),
        ("context_degraded", "edges/RRK", "feed_back"),
    ]
    assert len({each.key for each in found if isinstance(each, Finding)}) == 1
    assert bare(found) == []
    assert [kind for _, kind in reading.hard.seen] == [ExplanationKind.DEGRADED], "a hard rule waits for nothing"
    words = [piece.sentence for each in found if isinstance(each, Finding) for piece in each.evidence]
    assert words[1].startswith("The feed of edges came again after 7 hours; one look was held")


def test_a_look_that_nothing_explains_after_the_outage_is_judged_as_if_in_time() -> None:
    found = outage(explained=False).found()
    (late,) = [each for each in found if isinstance(each, Finding) and each.rule_id == "bare"]
    assert late.occurred_at == BEGAN + 14.5 * HOUR
    assert late.evidence[0].observed == int((BEGAN + 14.5 * HOUR).timestamp()) * 1_000_000, (
        "now was the look's own time"
    )


def test_where_steps_end_makes_no_difference_to_an_outage() -> None:
    whole = outage(explained=False).found()
    for batch in (1, 3, 50):
        reading = outage(explained=False)
        reading.batch, reading.budget = batch, 1
        assert reading.found() == whole


def test_an_outage_that_never_ends_is_given_up_by_name() -> None:
    days = HELD_FOR // (HOUR // timedelta(microseconds=1)) + 30
    rows = [*hourly(range(12)), *signing_in((12, 13, 14)), (14.5 * HOUR, LOOK), *signing_in(range(15, days))]
    rows.append((days * HOUR, LOOK))
    found = Reading(rows).found()
    assert [signal for _, _, signal in notices(found)] == ["feed_silent", "context_given_up"]
    assert bare(found) == [27, len(rows) - 1], "what was held is judged, and what comes after is held no more"


def test_a_source_that_falls_silent_is_one_notice_that_ends() -> None:
    two = LOGIN | {"source": "archive-rl4"}
    rows = [(n * HOUR / 4, LOGIN) for n in range(200)]
    rows += [(n * HOUR / 4, two) for n in range(200) if not 120 <= n < 160]
    told = notices(Reading(sorted(rows, key=lambda row: row[0])).found())
    assert told == [("source_silent", "archive-rl4", "source_silent"), ("source_silent", "archive-rl4", "source_back")]


def test_a_row_that_comes_late_takes_back_what_it_explains() -> None:
    rows = [(HOUR, LOOK), (HOUR, LOOK | {"patient": "p-2"}), (2 * HOUR, LOGIN), (2 * HOUR, FEED), (3 * HOUR, LOGIN)]
    tie = {"who": "s-nia", "patient": "p-1", "from": "0h"}
    for batch in (1, 2, 5):
        reading = Reading(rows, {3: [Known(patient="p-1")]}, ties={3: tie}, batch=batch)
        found = reading.found()
        assert bare(found) == [0, 1]
        assert [each.gone for each in found if isinstance(each, Revision)] == [(0,)]


def test_a_row_is_held_against_looks_of_the_same_step() -> None:
    """Nobody finds them in the database yet."""
    tie = {"who": "s-nia", "patient": "p-1", "from": "0h"}
    rows = [(HOUR, LOOK), (HOUR, LOOK | {"study": "t-9"}), (2 * HOUR, LOGIN), (2 * HOUR, FEED)]
    log = [event(index, BEGAN + after, row) for index, (after, row) in enumerate(rows)]
    past = LittlePast(log, {3: [Known(study="t-9")]}, then={3: region({"ties": [tie]})})
    step = Scorer([Bare()], PlainExplainer()).step(log, region({}), RuleMemory(), past)
    assert bare(step.found) == [0, 1]
    assert [each.gone for each in step.found if isinstance(each, Revision)] == [(1,)]
    assert [(look.event.index, index) for look, index in step.changed] == [(1, 3)]


def test_an_access_that_goes_on_is_no_look_of_its_own() -> None:
    first = LOOK | {"id": "a"}
    rows = [(HOUR, first), (HOUR, LOOK | {"id": "b", "continues": "a"}), (HOUR, LOOK | {"id": "c", "continues": "b"})]
    reading = Reading(rows)
    assert bare(reading.found()) == [0]
    assert [index for index, _ in reading.hard.seen] == [0]
    assert reading.hard.grown == [(0, 1), (0, 2)]


def test_an_access_may_come_before_the_one_it_goes_on_with() -> None:
    rows = [(HOUR, LOOK | {"id": "b", "continues": "a"}), (HOUR, LOOK | {"id": "a"})]
    for batch in (1, 2):
        reading = Reading(rows, batch=batch)
        assert bare(reading.found()) == [1]
        assert reading.hard.grown == [(1, 0)]


def test_an_access_that_goes_on_with_nothing_is_a_look_in_the_end() -> None:
    rows = [(HOUR, LOOK | {"id": "b", "continues": "made-up"}), (HOUR * 1.2, LOGIN)]
    assert bare(Reading(rows).found()) == []
    assert bare(Reading([*rows, (2 * HOUR, LOGIN)]).found()) == [0]


def test_nobody_goes_on_with_a_look_of_somebody_else() -> None:
    """Else a padded record would hide a look."""
    other = LOOK | {"id": "a", "who": "s-ann", "patient": "p-9", "study": "t-9"}
    for change in ({"who": "s-ann"}, {"patient": "p-9", "study": "t-9"}, {}):
        rows = [(HOUR, other), (HOUR, LOOK | {"id": "b", "continues": "a"} | change)]
        assert bare(Reading(rows).found()) == [0, 1]
    elsewhere = [
        (HOUR, LOOK | {"id": "a", "source": "x"}),
        (HOUR, LOOK | {"id": "b", "continues": "a"}),
        (3 * HOUR, LOGIN),
    ]
    assert bare(Reading(elsewhere).found()) == [0, 1]
