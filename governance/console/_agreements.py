"""What the agreement pages show."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from governance.agreements import Agreement, Change, Record, Transition, chosen
from governance.agreements.rendering import plain_english
from governance.audit.search import Query
from governance.console import _wording as wording
from governance.console._context import snapshot
from governance.console._decisions import answer_of
from governance.console._guard import viewer
from governance.console._impact import possible_changes
from governance.console._names import trust_names
from governance.console._rows import EventRow, named, row_of
from governance.errors import NotFound
from governance.vocabulary import EventKind
from governance.web.services import current_services

SOON = timedelta(days=60)
_DECISIONS = 10


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One agreement in the list; ``ends`` says what its end means for somebody today."""

    record: Record
    ends: str | None
    urgent: bool


@dataclass(frozen=True, slots=True)
class ClauseText:
    """One clause in plain English: its heading, and what it says by subject."""

    heading: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PartyLine:
    """A party: its name, its role, and whether its signature counts."""

    ods: str
    name: str
    role: str
    signed: bool
    signatory: str | None
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision made under the agreement: the row of its event, and its answer."""

    row: EventRow
    permit: bool
    clause: str | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One step in the agreement's life, in words."""

    step: str
    version: int | None
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class AgreementPage:
    """One version of an agreement; ``changeable`` says that the impact of a change of it can be asked."""

    record: Record
    changeable: bool
    summary: tuple[str, ...]
    clauses: tuple[ClauseText, ...]
    parties: tuple[PartyLine, ...]
    versions: tuple[Record, ...]
    history: tuple[HistoryLine, ...]
    decisions: tuple[DecisionLine, ...]


def agreements_of(ods: str | None, now: datetime) -> tuple[AgreementRow, ...]:
    """List the agreements of a trust: those in force first, then by title."""
    with snapshot() as session:
        records = list(current_services().registers.agreements.all_in(session, ods=ods))
    ordered = sorted(records, key=lambda record: (not record.in_force, record.agreement.title))
    return tuple(_row(record, now) for record in ordered)


def agreement_page_of(agreement_id: str, version: int | None) -> AgreementPage:
    """Assemble the page of an agreement; raises NotFound when there is none, or the viewer's trust is no party."""
    agreements, ods = current_services().registers.agreements, viewer().ods
    with snapshot() as session:
        versions = agreements.versions_in(session, agreement_id)
        record = chosen(versions, version)
        if ods is not None and record.agreement.role_of(ods) is None:
            raise NotFound("agreement.unknown", "There is no such agreement or version.")
        history = agreements.history_in(session, agreement_id)
        decisions = _decisions(session, record.agreement, ods)
    summary, clauses = sections(plain_english(record.agreement, trust_names()))
    return AgreementPage(
        record=record,
        changeable=bool(possible_changes(record)),
        summary=summary,
        clauses=clauses,
        parties=_parties(record),
        versions=tuple(reversed(versions)),
        history=tuple(_line(change) for change in reversed(history)),
        decisions=decisions,
    )


def agreement_of(agreement_id: str, version: int | None) -> Record:
    """Give one version of an agreement of the viewer's trust; raises NotFound."""
    with snapshot() as session:
        agreements = current_services().registers.agreements
        return chosen(agreements.versions_in(session, agreement_id, viewer().ods), version)


def sections(text: str) -> tuple[tuple[str, ...], tuple[ClauseText, ...]]:
    """Take the plain English apart: the lines before the clauses, without the title, and each clause by subject."""
    summary: list[str] = []
    clauses: list[tuple[str, list[tuple[str, str]]]] = []
    for line in text.split("\n")[1:]:
        if not line.startswith("  ") and line.startswith("Clause "):
            clauses.append((line, []))
        elif clauses:
            subject, colon, words = line.strip().partition(": ")
            clauses[-1][1].append((subject, _sentence(words)) if colon else ("Token", line.strip()))
        else:
            summary.append(line)
    return tuple(summary), tuple(ClauseText(heading, tuple(parts)) for heading, parts in clauses)


def _line(change: Change) -> HistoryLine:
    step = change.transition
    words = wording.TRANSITIONS[Transition(step)] if step in set(Transition) else step.capitalize()
    return HistoryLine(words, change.version, change.at, change.reason)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _row(record: Record, now: datetime) -> AgreementRow:
    ends_at = record.agreement.effective.ends_at
    if not record.in_force or ends_at - now >= SOON:
        return AgreementRow(record, None, urgent=False)
    days = max((ends_at - now).days, 0)
    return AgreementRow(record, f"Ends in {days} day{'' if days == 1 else 's'}", urgent=True)


def _parties(record: Record) -> tuple[PartyLine, ...]:
    names, signatures = trust_names(), {signature.ods: signature for signature in record.signatures}
    return tuple(
        PartyLine(
            ods=party.ods,
            name=named(party.ods, names) or party.ods,
            role=wording.PARTY_ROLES[party.role],
            signed=party.ods in record.valid,
            signatory=f"{signed.name}, {signed.role}" if (signed := signatures.get(party.ods)) else None,
            signed_at=signed.signed_at if signed else None,
        )
        for party in record.agreement.parties
    )


def _decisions(session: Session, agreement: Agreement, ods: str | None) -> tuple[DecisionLine, ...]:
    query = Query(agreement_id=agreement.id, kind=EventKind.DECISION, trust=ods)
    lines = []
    for event in current_services().infrastructure.audit_search.find_in(session, query, _DECISIONS):
        answer = answer_of(event)
        lines.append(DecisionLine(row_of(event, trust_names()), answer.permit, answer.clause))
    return tuple(lines)
