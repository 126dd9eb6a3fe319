"""The use cases of a tenant: decide and search, recorded before the answer is returned (as ``access/`` does).

The log holds of a decision who asked, of which tenant, under which policy and data, and how it came out. Subject and
resource are pseudonyms made for this tenant, so that one person's decisions can be found together, but not matched to
those of another tenant; types and actions are named only where the tenant's own data has them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from governance.access import Asker, Page, Searched, collect
from governance.audit import Recorder
from governance.audit.event import Event, JsonValue, Source
from governance.clock import Clock
from governance.decisions import EngineFault, TenantEngine
from governance.errors import Forbidden, NotFound, Unavailable
from governance.pseudonyms import Pseudonymiser
from governance.telemetry import Metrics
from governance.tenants.tenant import Entity, Question, Tenant
from governance.vocabulary import SYSTEM, EventKind, Outcome, ReasonCode


@dataclass(frozen=True, slots=True)
class TenantAnswer:
    """A decision that is in the log at ``index``; ``context`` is the policy's own, ``reasons`` say what failed."""

    id: str
    permit: bool
    context: Mapping[str, Any]
    reasons: tuple[ReasonCode, ...]
    revision: str
    index: int = -1


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search found: an entity that is permitted, with the question it is permitted in."""

    entity: Entity
    question: Question


@dataclass(frozen=True, slots=True)
class TenantFound:
    """The hits of a page; ``after`` is where the next goes on, None at the end. ``index`` is the search's place."""

    id: str
    hits: tuple[Entity, ...]
    after: str | None
    revision: str
    index: int


class Tenants:
    """Decides and searches for the tenants of this service.

    Args:
        held: every tenant with the engine that holds its policy.
        pseudonymiser: keys what the log holds of subjects and resources.
        recorder: records everything before it is returned, and makes the ids of decisions and searches.
        clock: read once in each use case.
        metrics: counts decisions and searches.
    """

    def __init__(
        self,
        *,
        held: Sequence[tuple[Tenant, TenantEngine]],
        pseudonymiser: Pseudonymiser,
        recorder: Recorder,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._held = {tenant.name: (tenant, engine) for tenant, engine in held}
        self._pseudonymiser = pseudonymiser
        self._recorder = recorder
        self._clock = clock
        self._metrics = metrics

    @property
    def names(self) -> tuple[str, ...]:
        """Give the name of each tenant."""
        return tuple(self._held)

    def tenant(self, name: str) -> Tenant:
        """Find a tenant; raises NotFound."""
        if name not in self._held:
            raise NotFound("tenant.unknown", "There is no such tenant.")
        return self._held[name][0]

    def admitted(self, name: str, asker: Asker) -> Tenant:
        """Find a tenant that a caller may ask; raises NotFound, Forbidden."""
        tenant = self.tenant(name)
        if not tenant.admits(asker.id):
            raise Forbidden("tenant.client", "The tenant does not name this client as one that may ask.")
        return tenant

    def evaluate_all(self, tenant: Tenant, questions: Sequence[Question], asker: Asker) -> list[TenantAnswer]:
        """Decide in order and record in one append; same order, same length.

        Raises:
            Unavailable: the decisions could not be recorded; nobody may act on them.
        """
        now = self._clock.now()
        decided = [self._decide(tenant, question, now) for question in questions]
        events = [self._decision(tenant, *pair, asker, now) for pair in zip(questions, decided, strict=True)]
        indexes = self._recorder.record_all(events)
        for answer in decided:
            self._metrics.tenant_decided(tenant=tenant.name, effect="permit" if answer.permit else "deny")
        return [replace(answer, index=index) for answer, index in zip(decided, indexes, strict=True)]

    def search(self, tenant: Tenant, searched: Searched, question: Question, asker: Asker, page: Page) -> TenantFound:
        """Find the entities of the tenant's data that may be, and record that it was asked.

        Args:
            tenant: whose data.
            searched: which member of the question is searched for; of that member only the type and the properties
                count, and they narrow the search.
            question: the rest. With an entity the data does not have there is nothing to find (section 8).
            asker: who asks.
            page: which part of the results.

        Raises:
            Unavailable: the search could not be decided or recorded: an empty answer would pass for "nothing".
        """
        now, search_id = self._clock.now(), self._recorder.new_id()
        found = collect(
            _candidates(tenant, searched, question, page.after),
            lambda hit: self._permits(tenant, hit.question, now),
            page,
        )
        revision = self._held[tenant.name][1].revision
        detail = self._about(tenant, question, asker, revision, searched) | {
            "examined": found.examined,
            "found": len(found.hits),
            "more": found.after is not None,
            "search": searched.value,
        }
        index = self._recorder.record(
            EventKind.QUERY, id=search_id, time=now, source=self._source(tenant), detail=detail
        )
        self._metrics.tenant_searched(tenant=tenant.name, kind=searched.value)
        return TenantFound(search_id, tuple(hit.entity for hit in found.hits), found.after, revision, index)

    def _decide(self, tenant: Tenant, question: Question, now: datetime) -> TenantAnswer:
        """Ask the engine; whatever is not a plain permit is a denial (rule 3)."""
        engine = self._held[tenant.name][1]
        denial = TenantAnswer(self._recorder.new_id(), False, {}, (), engine.revision)
        try:
            permit, context = _read(engine.value(_input(question, now)))
        except EngineFault as fault:
            return replace(denial, reasons=(fault.reason,))
        if permit is None:
            return replace(denial, reasons=(ReasonCode.ENGINE_UNDEFINED,))
        return replace(denial, permit=permit, context=context)

    def _permits(self, tenant: Tenant, question: Question, now: datetime) -> bool:
        try:
            return _read(self._held[tenant.name][1].value(_input(question, now)))[0] is True
        except EngineFault as fault:
            raise Unavailable("search.undecided", "The search could not be decided. It can be tried again.") from fault

    def _decision(self, tenant: Tenant, question: Question, answer: TenantAnswer, asker: Asker, now: datetime) -> Event:
        detail = self._about(tenant, question, asker, answer.revision, None) | {
            "permit": answer.permit,
            "reasons": [reason.value for reason in answer.reasons],
        }
        outcome = Outcome.SUCCESS if answer.permit else Outcome.MINOR
        return self._recorder.event(
            EventKind.DECISION, outcome, id=answer.id, time=now, source=self._source(tenant), detail=detail
        )

    def _source(self, tenant: Tenant) -> Source:
        """Name the tenant as a source; its events have no authority, subject and resource of the network's."""
        return Source(f"{SYSTEM}-tenant-{tenant.name}", self._recorder.source.ods)

    def _about(
        self, tenant: Tenant, question: Question, asker: Asker, revision: str, searched: Searched | None
    ) -> dict[str, JsonValue]:
        """Say what was asked, without a word of the caller's that the tenant's own data does not have."""
        made: dict[str, JsonValue] = {"asked_by": asker.id, "revision": revision, "tenant": tenant.name}
        name = question.action.get("name")
        if searched is not Searched.ACTION:
            made["action"] = name if isinstance(name, str) and tenant.knows(Searched.ACTION, "", name) else None
        for kind, member in ((Searched.SUBJECT, question.subject), (Searched.RESOURCE, question.resource)):
            known = tenant.knows_type(kind, member["type"])
            made[f"{kind.value}_type"] = member["type"] if known else None
            if searched is not kind:
                reference = json.dumps([tenant.name, member["type"], member["id"]])
                keyed = self._pseudonymiser.subject if kind is Searched.SUBJECT else self._pseudonymiser.study
                made[kind.value] = keyed(reference)
        return made


def _input(question: Question, now: datetime) -> dict[str, Any]:
    """Give the policy's input: the question, and the instant of it in seconds since 1970."""
    return {
        "action": question.action,
        "context": question.context,
        "now": int(now.timestamp()),
        "resource": question.resource,
        "subject": question.subject,
    }


def _read(value: object) -> tuple[bool | None, Mapping[str, Any]]:
    """Read the policy's value: a boolean, or an object of ``decision`` and perhaps ``context``. Raises EngineFault."""
    if value is None or isinstance(value, bool):
        return value, {}
    if isinstance(value, dict) and value.keys() <= {"decision", "context"}:
        permit, context = value.get("decision"), value.get("context", {})
        if isinstance(permit, bool) and isinstance(context, dict):
            return permit, context
    raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the rules' value is neither a boolean nor a decision")


def _candidates(tenant: Tenant, searched: Searched, question: Question, after: str) -> Iterator[tuple[str, Hit]]:
    """Give the entities to ask about by their place; nobody is named in it, and it holds for one revision only."""
    fixed = {Searched.SUBJECT: question.subject, Searched.RESOURCE: question.resource}
    if not all(tenant.knows(kind, one["type"], one["id"]) for kind, one in fixed.items() if kind is not searched):
        return
    if searched is not Searched.ACTION and not tenant.knows(Searched.ACTION, "", question.action["name"]):
        return
    wanted = {} if searched is Searched.ACTION else fixed[searched]
    start = int(after) + 1 if after else 0
    for place, entity in enumerate(tenant.entities[searched][start:], start):
        if entity.type == wanted.get("type", "") and wanted.get("properties", {}).items() <= entity.properties.items():
            yield str(place), Hit(entity, _with(question, searched, entity))


def _with(question: Question, searched: Searched, entity: Entity) -> Question:
    properties = dict(entity.properties)
    if searched is Searched.ACTION:
        return replace(question, action={"name": entity.id, "properties": properties})
    member = {"type": entity.type, "id": entity.id, "properties": properties}
    return replace(question, subject=member) if searched is Searched.SUBJECT else replace(question, resource=member)
