"""Who looked at one patient's images, newest first: the answer to "who has seen my scans?"."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Query
from governance.console._rows import EventRow, named, row_of
from governance.vocabulary import EventKind

PAGE = 25
_NAMED = 2_000  # uses whose trusts are offered to filter by

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
    session: Session,
    search: AuditSearch,
    names: Mapping[str, str],
    patient: str,
    ods: str | None,
    trust: str | None = None,
    before: int | None = None,
    reasons: Callable[[Session, Sequence[RecordedEvent]], Mapping[int, str]] = lambda _session, _events: {},
) -> Timeline:
    """Give a page of the timeline.

    Args:
        session: the snapshot of the page.
        search: the log's search.
        names: organisations' names by ODS code.
        patient: the patient's pseudonym.
        ods: the viewer's trust; only events of its images or its people are shown. None sees the region.
        trust: only events of this trust's people, or of images it keeps.
        before: only events before this index.
        reasons: gives, in words, why whoever looked may have, by index.
    """
    query = Query(patient=patient, kinds=SHOWN, trust=ods, party=trust, before_index=before)
    found = search.find_in(session, query, PAGE + 1)
    page = found[:PAGE]
    more = page[-1].index if len(found) > PAGE else None
    seen = search.trusts_in(session, query, _NAMED)
    trusts = tuple(sorted(((code, named(code, names) or code) for code in seen), key=lambda pair: pair[1]))
    why = reasons(session, page)
    return Timeline(patient, tuple(row_of(event, names, why) for event in page), more, trusts)
