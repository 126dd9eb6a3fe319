"""Who looked at one patient's images, newest first: the answer to "who has seen my scans?"."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Query
from governance.console._rows import EventRow, named, row_of
from governance.vocabulary import EventKind

PAGE = 25
_BATCH = 100  # events read at a time, since the log also holds decisions and tokens about the patient
_MOST = 20  # batches read for one page

SHOWN = frozenset(
    {
        EventKind.ACCESS,
        EventKind.BREAK_GLASS,
        EventKind.DELETE,
        EventKind.EXPORT,
        EventKind.IMPORT,
        EventKind.PRINT,
        EventKind.QUERY,
    }
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of a patient's timeline; ``next_before`` is the index to go on from, None at the end."""

    patient: str
    rows: tuple[EventRow, ...]
    next_before: int | None
    trusts: tuple[tuple[str, str], ...]


def timeline(
    search: AuditSearch,
    names: Mapping[str, str],
    patient: str,
    ods: str | None,
    trust: str | None = None,
    before: int | None = None,
) -> Timeline:
    """Give a page of the timeline.

    Args:
        search: the log's search.
        names: organisations' names by ODS code.
        patient: the patient's pseudonym.
        ods: the viewer's trust; only events of its images or its people are told. None sees the region.
        trust: only events of this trust's people, or of images it keeps.
        before: only events before this index.
    """
    found: list[RecordedEvent] = []
    last = before
    for _ in range(_MOST):
        batch = search.find(Query(patient=patient, trust=ods, before_index=last), _BATCH)
        found += [event for event in batch if event.kind in SHOWN and _of_trust(event, trust)]
        if len(found) > PAGE or len(batch) < _BATCH:
            break
        last = batch[-1].index
    page = found[:PAGE]
    more = page[-1].index if len(found) > PAGE else None
    seen = {ods for event in found for ods in _trusts(event)}
    trusts = tuple(sorted(((code, named(code, names) or code) for code in seen), key=lambda pair: pair[1]))
    return Timeline(patient, tuple(row_of(event, names) for event in page), more, trusts)


def _trusts(event: RecordedEvent) -> set[str]:
    concerned = {event.subject.ods if event.subject else None, event.resource.custodian if event.resource else None}
    return {ods for ods in concerned if ods}


def _of_trust(event: RecordedEvent, trust: str | None) -> bool:
    return trust is None or trust in _trusts(event)
