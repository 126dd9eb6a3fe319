"""What the page of one audit event shows."""

from dataclasses import dataclass, replace

from governance.audit import checkpoint
from governance.audit.event import RecordedEvent
from governance.console._chain import Step
from governance.console._context import chains, reasons, snapshot
from governance.console._decisions import Answer, answer_of
from governance.console._names import trust_names
from governance.console._rows import EventRow, row_of
from governance.errors import NotFound
from governance.vocabulary import EventKind
from governance.web.services import current_services


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that an entry is in the log: the tree it holds for, the hashes on the way up, and the signed note."""

    origin: str
    size: int
    root: str
    leaf: str
    hashes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """One event: as the log holds it, as a row in words, its decision if it is one, its chain, its proof once made."""

    event: RecordedEvent
    row: EventRow
    source: str
    answer: Answer | None
    chain: tuple[Step, ...]
    proof: Proof | None = None


def event_page_of(index: int) -> EventPage:
    """Assemble the page of an event for the viewer of this request, but for its proof.

    Raises NotFound when the log has no such entry, or it concerns other trusts only.
    """
    with snapshot() as session:
        chain, names = chains(session), trust_names()
        gathered = chain.gather([index], 1)
        event = next((event for event in gathered.events if event.index == index), None)
        if event is None:
            raise NotFound("audit.no_entry", "The log has no entry with this index.")
        return EventPage(
            event=event,
            row=row_of(event, names, reasons(session, [event])),
            source=names.get(event.source.ods, event.source.ods),
            answer=answer_of(event) if event.kind is EventKind.DECISION else None,
            # a tenant's event holds no authority over images
            chain=() if "tenant" in event.detail else chain.of_event(event, gathered),
        )


def proven(shown: EventPage) -> EventPage:
    """Add the proof that the event is in the log; a checkpoint is signed when the newest does not hold it yet."""
    return replace(shown, proof=_proof(shown.event))


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
