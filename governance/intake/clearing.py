"""Clearing the quarantine: a person looks at what waits, takes it away or discards it, and each is in the log.

1. A look and a taking away are recorded before a byte is given. A discard and its record are one commit.
2. Discarding asks for a reason. What is lost is named: each message's number, source, time and SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from governance.audit import Recorder
from governance.audit.encoding import instant
from governance.audit.event import JsonValue, Subject
from governance.intake.quarantine import Chosen, Discarded, Quarantine, QuarantinedMessage
from governance.storage import Database
from governance.vocabulary import EventKind

PAGE = 100  # messages read or discarded at once: as many as one event can name


@dataclass(frozen=True, slots=True)
class Export:
    """Messages that are taken away: how many there are, and each with its bytes, None when those are gone."""

    count: int
    messages: Iterator[tuple[QuarantinedMessage, bytes | None]]


class Clearing:
    """What a person does with messages that wait.

    Args:
        quarantine: keeps them.
        recorder: records who did what.
        database: opens the transaction of a discard.
    """

    def __init__(self, quarantine: Quarantine, recorder: Recorder, database: Database) -> None:
        self._quarantine = quarantine
        self._recorder = recorder
        self._database = database

    def show(self, number: int, by: Subject) -> tuple[QuarantinedMessage, bytes | None]:
        """Give a message with its bytes, None when they cannot be had any more.

        Raises:
            NotFound: no such message waits.
            Unavailable: the look cannot be recorded.
        """
        found = self._quarantine.open(number)
        self._record_look(by, "quarantine_show", {"message": number, "source": found[0].peer})
        return found

    def export(self, chosen: Chosen, by: Subject) -> Export:
        """Begin to take messages away. Raises Unavailable when that cannot be recorded."""
        numbers = self.chosen(chosen)
        detail: dict[str, JsonValue] = {"messages": len(numbers)} | _filters(chosen)
        self._record_look(by, "quarantine_export", detail)
        return Export(len(numbers), (self._quarantine.open(number) for number in numbers))

    def discard(self, numbers: list[int], because: str, by: Subject) -> int:
        """Discard messages by their numbers and give how many that were; those that wait no more are passed over.

        Raises:
            Unavailable: it cannot be done or recorded now; the pages before are.
        """
        done = 0
        for start in range(0, len(numbers), PAGE):
            with self._database.transaction() as session:
                discarded = self._quarantine.discard_in(session, numbers[start : start + PAGE])
                if discarded:
                    named: list[JsonValue] = [_name(each) for each in discarded]
                    detail: dict[str, JsonValue] = {"act": "quarantine_discard", "because": because, "messages": named}
                    self._recorder.record_in(session, EventKind.CONFIG, subject=by, detail=detail)
            done += len(discarded)
        return done

    def chosen(self, chosen: Chosen) -> list[int]:
        """Give the numbers of the messages that are chosen."""
        numbers: list[int] = []
        while page := self._quarantine.select(chosen, numbers[-1] if numbers else 0):
            numbers += page
        return numbers

    def _record_look(self, by: Subject, act: str, detail: dict[str, JsonValue]) -> None:
        self._recorder.record(EventKind.AUDIT_READ, subject=by, detail={"act": act} | detail)


def _filters(chosen: Chosen) -> dict[str, JsonValue]:
    given = {
        "carrier": chosen.carrier,
        "source": chosen.source,
        "before": instant(chosen.before) if chosen.before else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _name(discarded: Discarded) -> dict[str, JsonValue]:
    message = discarded.message
    return {
        "message": message.number,
        "source": message.peer,
        "carrier": message.carrier,
        "received_at": instant(message.received_at),
        "sha256": discarded.digest,
    }
