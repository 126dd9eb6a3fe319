"""Detection on hot keys: what the second half of the events costs beside the first, in one run on a real database.

A phantom patient whose record 5,000 people open, 60,000 exports that name one made-up decision, 3,000 made-up roles. A
value that is written back whole each time would cost ever more; ``ours`` is microseconds an event in the second half,
``theirs`` in the first. Beside it: the rows that are kept, by events, and the size of the process in MiB, by before.
"""

import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import mean

from benchmarks._line import line
from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts, default_rules
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader import _store
from governance.detection.reader.keeping.keeper import DatabaseKeeper
from governance.detection.reader.past.port import NoPast
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import MICROSECOND, RuleMemory, RuleState, Value
from governance.detection.rule import Rule
from governance.storage import Database, migrate, to_microseconds
from governance.vocabulary import Severity
from tests.worlds.detection import BEGAN, LittleRegion, event

PAGE = 1_000
KEEP = timedelta(days=3) // MICROSECOND


class Viewers:
    """Remembers each viewer of a patient, in a list."""

    id = "viewers"
    family = "viewers"
    severity = Severity.LOW
    window = timedelta(days=3)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterator[Finding]:
        patient, subject = acts.patient_of(look.event), look.event.subject
        if patient is not None and subject is not None:
            seen = state.list(patient)
            at = to_microseconds(look.event.time)
            if seen.get(subject.id) is None:
                seen.put(subject.id, at, {"role": subject.role}, keep=KEEP)
                seen.prune(state.settled - KEEP)
        yield from ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterator[Finding]:
        yield from ()


def run() -> None:
    """Measure and print the ratio of the end to the beginning for each hot key."""
    bypass = next(rule for rule in default_rules() if rule.id == "access_without_decision")
    _hot("phantom_patient", [Viewers()], 5_000, lambda n: {"who": f"s-{n}", "patient": "p-1", "study": "t-1"})
    _hot(
        "one_made_up_decision",
        [bypass],
        60_000,
        lambda n: {"kind": "export", "who": f"s-{n % 40}", "study": f"t-{n}", "decision": "d-made-up"},
    )
    _hot("made_up_roles", [Viewers()], 4_000, lambda n: {"who": "s-1", "role": f"role {n}", "patient": f"p-{n}"})


def _hot(name: str, rules: Sequence[Rule], count: int, row: object) -> None:
    assert callable(row)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'state.sqlite'}")
        migrate.upgrade(database)
        scorer, took = Scorer(rules), list[float]()
        with database.reading() as session:
            keeper = DatabaseKeeper(session)
            memory = RuleMemory(keeper=keeper)
        for start in range(0, count, PAGE):
            events = [event(n, BEGAN + timedelta(seconds=n), row(n)) for n in range(start, start + PAGE)]
            began = time.perf_counter()
            _page(database, keeper, memory, scorer, events)
            took.append((time.perf_counter() - began) / PAGE * 1e6)
        with database.reading() as session:
            kept = sum(len(page) for page in _store.keys(session))
        database.dispose()
    half = len(took) // 2
    line(f"{name}_us", mean(took[-half:]), mean(took[:half]))
    line(f"{name}_rows", kept, count)
    line(f"{name}_mib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before)


def _page(
    database: Database, keeper: DatabaseKeeper, memory: RuleMemory, scorer: Scorer, events: list[RecordedEvent]
) -> None:
    """Judge and write a page as the reader does."""
    while events:
        with database.reading() as session:
            keeper.read_on(session)
            step = scorer.step(events, LittleRegion(), memory, NoPast())
        keeper.read_on(None)
        with database.transaction() as session:
            changes = memory.changes()
            _store.save(session, changes)
            keeper.take(changes)
        events = events[step.done :]


if __name__ == "__main__":
    run()
