"""What every endpoint that reads the audit shares: whose events a caller may see, and the record of the look.

1. A caller of a trust sees an event only when its subject, its custodian or its source belongs to that trust. A caller
   of no trust (region-wide) sees all.
2. An event one may not see is answered as one that does not exist.
3. The look is recorded before the answer leaves: no record, no answer. It says who looked through which endpoint, by
   which kinds of filter and how much came back, never by which value, except the pseudonym of the patient or study
   looked up.
"""

from dataclasses import dataclass, replace

from governance.audit import AuditSearch, Query, RecordedEvent, Resource
from governance.bootstrap import Services
from governance.errors import NotFound
from governance.vocabulary import EventKind
from governance.web import Caller, subject_of

INDEX_MAXIMUM = 2**62  # past what any database column or tile path can hold
SCAN_CHUNK = 500  # events read at once while a search goes on
SCAN_MAXIMUM = 5_000  # events one request looks at; the next page goes on from there


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the audit: the endpoint, the names of the filters used, and whom or what it was about, if one."""

    endpoint: str
    filters: tuple[str, ...] = ()
    patient: str | None = None
    study: str | None = None


def may_see(caller: Caller, event: RecordedEvent) -> bool:
    """Say whether an event is the caller's to see (rule 1)."""
    if caller.ods is None:
        return True
    trusts = {
        event.source.ods,
        event.subject.ods if event.subject else None,
        event.resource.custodian if event.resource else None,
    }
    return caller.ods in trusts


def visible_entry(services: Services, caller: Caller, index: int) -> RecordedEvent:
    """Give one event; raises NotFound for one that is not there or not the caller's to see (rule 2)."""
    event = services.infrastructure.audit.entry(index) if 0 <= index < INDEX_MAXIMUM else None
    if event is None or not may_see(caller, event):
        raise NotFound("audit.no_entry", "The log has no entry with this index.")
    return event


def scoped(query: Query, caller: Caller) -> Query:
    """Narrow a query to what the caller may see."""
    return query if caller.ods is None else replace(query, trust=caller.ods)


def after(query: Query, index: int, *, newest_first: bool) -> Query:
    """Give the query that goes on behind an index."""
    return replace(query, before_index=index) if newest_first else replace(query, after_index=index)


def page(
    search: AuditSearch, query: Query, limit: int, *, newest_first: bool
) -> tuple[list[RecordedEvent], int | None]:
    """Give up to ``limit`` events and the index to go on behind, None at the end."""
    found = search.find(query, limit + 1, newest_first=newest_first)
    shown = found[:limit]
    return shown, shown[-1].index if len(found) > limit else None


def record_look(services: Services, caller: Caller, look: Look, returned: int) -> int:
    """Record a look and give its index; raises Unavailable when the log cannot take it (rule 3)."""
    about = Resource(patient=look.patient, study_uid=look.study) if look.patient or look.study else None
    return services.infrastructure.recorder.record(
        EventKind.AUDIT_READ,
        subject=subject_of(caller),
        resource=about,
        detail={"door": look.endpoint, "filters": sorted(look.filters), "returned": returned},
    )
