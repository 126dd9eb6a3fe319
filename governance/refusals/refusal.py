"""One refusal, and how the log says it."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from governance.audit import Facts
from governance.audit.event import Authority, JsonValue, Resource, Source, Subject
from governance.vocabulary import EventKind, Outcome, Purpose

ACT = "refuse"
_NO_AUTHORITY = Authority()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was refused; it lives in memory only, where its identifiers are real.

    Args:
        kind: of its event.
        reason: the machine code.
        endpoint: the route's pattern, never the path.
        address: where it came from, empty when that is not known or the whole network's.
        claimed: the client that it said it was, without proving it.
        subject: who proved themselves and was refused all the same.
        source: the enforcement point that saw it, when it was not this service.
        detail: more of it that identifies nobody and takes few values; it tells runs apart.
    """

    kind: EventKind
    reason: str
    endpoint: str
    address: str = ""
    claimed: str | None = None
    subject: Subject | None = None
    source: Source | None = None
    purpose: Purpose | None = None
    resource: Resource | None = None
    authority: Authority = _NO_AUTHORITY
    outcome: Outcome = Outcome.MINOR
    detail: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def origin(self) -> tuple[str, str | None]:
        """Give whose runs are limited together: an address's, or an enforcement point's."""
        return self.address, self.source.id if self.source else None

    @property
    def key(self) -> Hashable:
        """Give what tells one run from another."""
        who = (self.address, self.claimed, self.subject, self.source)
        what = (self.kind, self.reason, self.endpoint, self.purpose, self.resource, self.authority, self.outcome)
        return who, what, tuple(sorted((name, str(value)) for name, value in self.detail.items()))

    def widened(self) -> Iterator["Refusal"]:
        """Give it as it may be counted: for itself, with all of its address, with everybody's."""
        yield self
        yield self.of_address()
        yield self.of_all()

    def of_address(self) -> "Refusal":
        """Give what is left of it when all of an address is counted together."""
        return replace(
            self,
            claimed=None,
            subject=None,
            purpose=None,
            resource=None,
            authority=_NO_AUTHORITY,
            detail={"together": "address"},
        )

    def of_all(self) -> "Refusal":
        """Give what is left of it when everybody is counted together."""
        return replace(self.of_address(), address="", source=None, detail={"together": "all"})


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """How a refusal's address and claimed client are written: None for what it does not have."""

    address: str | None
    claimed: str | None


def facts_of(refusal: Refusal, named: Pseudonyms, event_id: str, at: datetime) -> Facts:
    """Give what the log says of a refusal."""
    facts = Facts(
        id=event_id,
        time=at,
        subject=refusal.subject,
        purpose=refusal.purpose,
        resource=refusal.resource,
        authority=refusal.authority,
        detail=_detail(refusal, named),
    )
    if refusal.source is not None:
        facts["source"] = refusal.source
    return facts


def _detail(refusal: Refusal, named: Pseudonyms) -> dict[str, JsonValue]:
    """Give the detail; what an enforcement point was refused is its own event: why, and whose a dead token is."""
    if refusal.source is not None:
        return {"refused": refusal.reason} | dict(refusal.detail)
    more = {"address": named.address, "claimed": named.claimed}
    detail: dict[str, JsonValue] = {"act": ACT, "endpoint": refusal.endpoint, "reason": refusal.reason}
    detail |= {name: value for name, value in more.items() if value is not None}
    return detail | dict(refusal.detail)
