"""What the page of a decision shows: the question, the answer and its grounds, and what followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.audit.event import JsonValue, RecordedEvent
from governance.audit.search import ChainFound, Query
from governance.console import _wording as wording
from governance.console._chain import Step, permitted
from governance.console._context import chains, reasons, snapshot
from governance.console._guard import viewer
from governance.console._names import trust_names
from governance.console._rows import USES_OF_IMAGES, EventRow, row_of
from governance.errors import NotFound
from governance.vocabulary import Action, EventKind
from governance.web.services import current_services

_EVENTS = 100  # tokens and uses of one decision that are read, from the oldest on
_FOLLOW = USES_OF_IMAGES | {EventKind.TOKEN}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a decision, from the event that recorded it."""

    permit: bool
    action: str
    reasons: tuple[tuple[str, str], ...]
    obligations: tuple[str, ...]
    agreement_id: str | None
    version: str | None
    clause: str | None
    revision: str | None
    asked_by: str | None


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """One decision: the event that recorded it, its answer, tokens and uses that carry its id, and its chain.

    ``complete`` says that every event that carries its id and concerns the viewer's trust was read.
    """

    decision_id: str
    event: RecordedEvent
    row: EventRow
    answer: Answer
    tokens: tuple[EventRow, ...]
    uses: tuple[EventRow, ...]
    complete: bool
    chain: tuple[Step, ...]


def answer_of(event: RecordedEvent) -> Answer:
    """Read the answer out of a decision's event; what it does not say is None or empty."""
    detail = event.detail
    return Answer(
        permit=permitted(event),
        action=_action(_text(detail, "action"), _text(detail, "tenant")),
        reasons=tuple((code, wording.reason_sentence(code)) for code in _texts(detail, "reasons")),
        obligations=tuple(wording.obligation_sentence(kind) for kind in _texts(detail, "obligations")),
        agreement_id=event.authority.agreement_id,
        version=_text(detail, "agreement_version"),
        clause=_text(detail, "clause"),
        revision=_text(detail, "revision"),
        asked_by=_text(detail, "asked_by"),
    )


def decision_page_of(decision_id: str) -> DecisionPage:
    """Assemble the page of a decision for the viewer of this request.

    Raises NotFound when no decision of that id is on record, or none that concerns the viewer's trust.
    """
    search, ods = current_services().infrastructure.audit_search, viewer().ods
    with snapshot() as session:
        asked = Query(decision_id=decision_id, kind=EventKind.DECISION, trust=ods)
        decision = next(iter(search.find_in(session, asked, 1, newest_first=False)), None)
        if decision is None:
            raise NotFound("decision.unknown", "No decision with this id is on record.")
        followed = Query(decision_id=decision_id, kinds=_FOLLOW, trust=ods)
        found = search.find_in(session, followed, _EVENTS + 1, newest_first=False)
        seen, complete = found[:_EVENTS], len(found) <= _EVENTS
        chain = chains(session).of_decision(decision_id, ChainFound([decision, *seen], 1, complete))
        why = reasons(session, seen)
    names = trust_names()
    return DecisionPage(
        decision_id=decision_id,
        event=decision,
        row=row_of(decision, names),
        answer=answer_of(decision),
        tokens=tuple(row_of(event, names) for event in seen if event.kind is EventKind.TOKEN),
        uses=tuple(row_of(event, names, why) for event in seen if event.kind in USES_OF_IMAGES),
        complete=complete,
        chain=chain,
    )


def _action(name: str | None, tenant: str | None) -> str:
    """Say what was asked for; a tenant's actions are its own words, whatever ours mean."""
    if tenant is not None:
        return f"{name or 'do something'} (tenant {tenant}, not images)"
    return wording.ACTIONS[Action(name)] if name in set(Action) else name or "use images"


def _text(detail: Mapping[str, JsonValue], name: str) -> str | None:
    value = detail.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _texts(detail: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    value = detail.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))
