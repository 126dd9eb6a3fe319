"""Facts: what the registers said, and since when it was known. The history that a judgement of the past asks.

Rules of this room:

1. A version is one row of a register as it was: of a kind, under a key, known since an index of the log. It is written
   in the transaction that changed the row, with the index of the record of that change.
2. A change recorded at index j is known to what happened at an index greater than j, never to anything before it.
   Whoever asks *as known at* an index gets the same answer in live running and in every later reading of the log.
3. One version a changed row: what is sent again unchanged writes none. A row that is gone is a version that says so.
4. A version holds pseudonyms and what identifies nobody. Ties and marks of a person are sealed under that person's data
   key: erasing the person makes them unreadable in every version at once.
5. What was superseded is kept for a bounded time. The oldest index that can still be asked about is kept too, and an
   older question is refused by name (``facts.too_old``), never answered with less.
6. The national data opt-out has no history.
7. The rooms whose rows these are say what a version of theirs holds; here it is a key, names to look it up by, a value.

Example: ``history.read(session, Wanted(["edge"], patients=[patient]), Span(100, 200))`` gives every edge of a patient
that was known at any index from 100 to 200; ``Timelines(found).of("edge", 150, patient=patient)`` those at 150.
"""

from governance.facts.collecting import Collection, FactWriter, collected, note
from governance.facts.fact import NOW, Fact, FactKey, Span, Version
from governance.facts.history import History, Opener, Wanted
from governance.facts.keeping import FactKeeper
from governance.facts.timelines import Timelines

__all__ = [
    "NOW",
    "Collection",
    "Fact",
    "FactKeeper",
    "FactKey",
    "FactWriter",
    "History",
    "Opener",
    "Span",
    "Timelines",
    "Version",
    "Wanted",
    "collected",
    "note",
]
