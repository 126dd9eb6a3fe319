"""The reasons to look that reach a feed: what is sent of them, and whether one of them explains a look."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.folk.people import Patient, Staff
from governance.simulation.protocol.sending.outbox import EDGES, Outbox
from governance.simulation.protocol.times import written

_Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Reason:
    """A relationship: its kind, who holds it (a person, team or service), whom it is about, and how long it holds."""

    kind: str
    holder: str
    ods: str
    start: int
    end: int
    system: str
    patient: Patient | None = None
    study: Study | None = None
    extra: tuple[tuple[str, Any], ...] = ()


class Reasons:
    """Sends reasons and remembers those that were."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._serial = 0
        self._about: dict[tuple[str, str], _Spans] = defaultdict(list)
        self._wide: dict[tuple[str, str], _Spans] = defaultdict(list)

    def send(self, reason: Reason, sent: int | None) -> None:
        """Send a reason at a time; one that a dead feed loses explains nothing."""
        self._serial += 1
        if sent is None:
            return
        row: dict[str, Any] = {
            "id": f"{reason.system}-{self._serial:x}",
            "kind": reason.kind,
            "subject": reason.holder,
            "ods": reason.ods,
            "from": written(reason.start),
            "until": written(reason.end),
            "source": reason.system,
        }
        if reason.patient is not None:
            row["patient"] = reason.patient.number
        if reason.study is not None:
            row["study_uid"] = reason.study.uid
        self._outbox.put(EDGES, row | dict(reason.extra), sent)
        spans = self._about if reason.patient is not None else self._wide
        key = reason.patient.number if reason.patient is not None else reason.ods
        spans[reason.holder, key].append((reason.start, reason.end))

    def explain(self, who: Staff, study: Study, at: int) -> bool:
        """Say whether a reason that is sent some time names somebody, or their team, and what they looked at."""
        number, ods = study.patient.number, study.ods
        return any(
            start <= at < end
            for holder in (who.id, who.team)
            for spans in (self._about.get((holder, number), ()), self._wide.get((holder, ods), ()))
            for start, end in spans
        )
