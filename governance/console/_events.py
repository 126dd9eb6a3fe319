"""What the page of one audit event tells."""

from dataclasses import dataclass

from governance.audit import checkpoint
from governance.audit.event import RecordedEvent
from governance.console._chain import Step
from governance.console._context import chains
from governance.console._decisions import Answer, answer_of
from governance.console._names import trust_names
from governance.console._rows import EventRow, row_of
from governance.vocabulary import EventKind
from governance.web.services import current_services


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that an entry is in the log: the tree it speaks of, the hashes on the way up, and the signed note."""

    origin: str
    size: int
    root: str
    leaf: str
    hashes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """One event: as the log holds it, as a row in words, its decision if it is one, its chain, its proof."""

    event: RecordedEvent
    row: EventRow
    source: str
    answer: Answer | None
    chain: tuple[Step, ...]
    proof: Proof


def event_page_of(event: RecordedEvent) -> EventPage:
    """Assemble the page of an event for the viewer of this request."""
    names = trust_names()
    return EventPage(
        event=event,
        row=row_of(event, names),
        source=names.get(event.source.ods, event.source.ods),
        answer=answer_of(event) if event.kind is EventKind.DECISION else None,
        chain=() if "tenant" in event.detail else chains().of_event(event),  # no authority over images stands in it
        proof=_proof(event),
    )


def _proof(event: RecordedEvent) -> Proof:
    made = current_services().infrastructure.audit.proof(event.index)
    head = checkpoint.parse(made.checkpoint).checkpoint
    return Proof(
        origin=head.origin,
        size=made.size,
        root=head.root.hex(),
        leaf=event.leaf_hash.hex(),
        hashes=tuple(digest.hex() for digest in made.hashes),
        text=made.text(),
    )
