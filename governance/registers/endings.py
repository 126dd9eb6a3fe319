"""Ending what was registered: suspend, resume, delete, not-before, and another key for an archive's enforcement point.

1. Whoever could register it may end it: the trust whose it is on file, the region for what is national. A person whom a
   national issuer names is of every trust that has them on its staff or gave them an account: all together end them.
   What the region put out of force is brought back by the region alone, whichever act would do it.
2. One act, one event, with what was before and after; an act that changes nothing is recorded too.
3. It is in effect at the next look of every process: what is looked at is in the database, and nobody keeps it longer.
4. Ending the certificates and the secret of a client also ends what was issued to it until then: nothing tells which of
   its tokens a stolen secret got.
5. ``not_before`` is never in the future: what is still to be issued is suspended instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from governance.audit.event import JsonValue
from governance.clock import Clock
from governance.errors import Fault, InvalidInput, NotFound
from governance.federation import NETWORK, FederationDirectory, Registered, Standing, person_of
from governance.federation.directory import MATTER
from governance.pseudonyms import Pseudonymiser
from governance.registers import claims
from governance.registers.changes import Change, Changes, Made
from governance.registers.writers import Claim, Writer, refusals, require_own
from governance.vocabulary import Scope


class Ending(StrEnum):
    """What can be done to a registration."""

    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    NOT_BEFORE = "not_before"
    ROTATE = "rotate"


_ACTS: Mapping[Ending, Callable[[Standing, datetime, bool], Standing]] = {
    Ending.SUSPEND: lambda standing, at, by_region: standing.suspended(at, by_region=by_region),
    Ending.RESUME: lambda standing, at, _by_region: standing.resumed(at),
    Ending.DELETE: lambda standing, at, by_region: standing.deleted(at, by_region=by_region),
    Ending.NOT_BEFORE: lambda standing, at, _by_region: standing.since(at),
    Ending.ROTATE: lambda standing, at, _by_region: standing.rotated(at),
}
_BRINGS_BACK = frozenset({Ending.RESUME, Ending.ROTATE})


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be ended: ``name`` is a client id or an issuer, ``subject`` a person whom the issuer names."""

    kind: Registered
    name: str
    subject: str | None = None


class Endings:
    """Ends registrations.

    Args:
        changes: makes each act one transaction with its record.
        federation: the register.
        pseudonymiser: keys the subjects of console accounts.
        clock: read once in each act.
    """

    def __init__(
        self, *, changes: Changes, federation: FederationDirectory, pseudonymiser: Pseudonymiser, clock: Clock
    ) -> None:
        self._changes = changes
        self._federation = federation
        self._pseudonymiser = pseudonymiser
        self._clock = clock

    def act(self, writer: Writer, target: Target, ending: Ending, not_before: datetime | None = None) -> Standing:
        """Do one thing to a registration and give where it stands then.

        Args:
            writer: who does it.
            target: to what.
            ending: what is done.
            not_before: for that act, since when what is issued counts; now without it.

        Raises:
            NotFound: there is no such registration.
            Forbidden: it is not the writer's.
            InvalidInput: the act is none for such a registration, or names an instant it cannot.
            Conflict: it was deleted.
        """
        now = self._clock.now()
        _refuse(target, ending, not_before, now)

        def write(session: Session) -> Made[Standing]:
            name = self._name(session, target)
            if name is None or (ending is Ending.DELETE and not self._has_record(session, target)):
                raise NotFound("registration.unknown", "There is no such registration.")
            before = self._federation.standing(session, target.kind, name)
            claimed = self._claims(session, target.kind, name)
            require_own(writer, [*claimed, *claims.brought_back("/act", before)] if ending in _BRINGS_BACK else claimed)
            after = _ACTS[ending](before, not_before or now, writer.for_region)
            self._federation.register_standing(session, after)
            if target.kind is Registered.CREDENTIALS and ending is not Ending.RESUME:
                client = self._federation.standing(session, Registered.CLIENT, target.name)
                self._federation.register_standing(session, client.since(now))
            told: dict[str, JsonValue] = {"ended": target.kind.value, "act": ending.value, **self._named(target)}
            return Made(after, told | {"before": _told(before), "after": _told(after)})

        return self._changes.make(Change(writer, Scope.FEDERATION_WRITE, MATTER, now), write)

    def standings(self, writer: Writer) -> tuple[Standing, ...]:
        """Give the standing of whatever was ever ended and is the writer's to end, by kind and name."""
        with self._changes.reading() as session:
            found = self._federation.standings(session)
            self._federation.read_filed(session, found)
            return tuple(one for one in found if not refusals(writer, self._claims(session, one.kind, one.name)))

    def _name(self, session: Session, target: Target) -> str | None:
        """Give the name of the standing of what is on file, None when there is nothing."""
        if target.kind is Registered.NETWORK:
            return NETWORK[1]
        if target.kind in {Registered.IDENTITY_PROVIDER, Registered.PERSON}:
            known = self._federation.filed_identity_provider(session, target.name) is not None
        else:
            client = self._federation.filed_client(session, target.name)
            known = client is not None and (client.archive or target.kind is not Registered.ENFORCEMENT_KEY)
        if known and target.subject:
            return self._federation.person_standing(session, target.name, target.subject)
        return target.name if known else None

    def _has_record(self, session: Session, target: Target) -> bool:
        """Say whether there is a record that may be deleted; a person may have none and be suspended all the same."""
        return not target.subject or self._federation.filed_person(session, target.name, target.subject) is not None

    def _claims(self, session: Session, kind: Registered, name: str) -> list[Claim]:
        """Claim what a standing is of, by its name (rule 1)."""
        if kind is Registered.NETWORK:
            return list(claims.ended("/kind", [None]))
        if kind is Registered.PERSON:
            return list(claims.ended("/subject", self._trusts_of(session, *person_of(name))))
        if kind is Registered.IDENTITY_PROVIDER:
            provider = self._federation.filed_identity_provider(session, name)
            return list(claims.ended("/issuer", [provider.ods if provider else None]))
        client = self._federation.filed_client(session, name)
        return list(claims.ended("/client_id", [client.ods if client else None]))

    def _trusts_of(self, session: Session, named_by: str, subject: str) -> frozenset[str | None]:
        """Give whose a person is: their trust's; named nationally, all trusts' that know them, or the region's."""
        if self._federation.trust(session, named_by) is not None:
            return frozenset({named_by})
        account = self._federation.filed_person(session, named_by, subject)
        staff = self._federation.namesakes(session, subject)
        known = {member.ods for member in staff if member.issuer == named_by}
        return frozenset(known | ({account.ods} if account else set())) or frozenset({None})

    def _named(self, target: Target) -> dict[str, JsonValue]:
        if target.kind is Registered.PERSON:
            return {"issuer": target.name, "subject": self._pseudonymiser.subject(target.subject or "")}
        if target.kind is Registered.NETWORK:
            return {}
        return {"issuer" if target.kind is Registered.IDENTITY_PROVIDER else "client_id": target.name}


def _refuse(target: Target, ending: Ending, not_before: datetime | None, now: datetime) -> None:
    faults = _unnamed(target)
    if (ending is Ending.ROTATE) and target.kind is not Registered.ENFORCEMENT_KEY:
        faults.append(Fault("/act", "only the key of an enforcement point is made anew here"))
    if ending is Ending.NOT_BEFORE and target.kind in {Registered.CREDENTIALS, Registered.ENFORCEMENT_KEY}:
        faults.append(Fault("/act", "nothing is issued by it: bound its client instead"))
    if ending is not Ending.NOT_BEFORE and target.kind is Registered.NETWORK:
        faults.append(Fault("/act", "only not_before is possible of the network: what was issued up to then is dead"))
    if not_before is not None and ending is not Ending.NOT_BEFORE:
        faults.append(Fault("/not_before", "belongs to the act not_before alone"))
    if not_before is not None and not_before > now:
        faults.append(Fault("/not_before", "is not in the future"))
    if faults:
        raise InvalidInput(faults, "This cannot be done.")


def _unnamed(target: Target) -> list[Fault]:
    """Find what is missing of a target's name, or too much."""
    faults = []
    by_issuer = target.kind in {Registered.IDENTITY_PROVIDER, Registered.PERSON}
    if target.kind is not Registered.NETWORK and not target.name:
        faults.append(Fault("/issuer" if by_issuer else "/client_id", "is required"))
    if target.kind is Registered.PERSON and not target.subject:
        faults.append(Fault("/subject", "is required: a person is an issuer and a subject"))
    if target.kind is not Registered.PERSON and target.subject:
        faults.append(Fault("/subject", "belongs to a person alone"))
    return faults


def _told(standing: Standing) -> dict[str, JsonValue]:
    """Give a standing for the log."""
    moments = {name: getattr(standing, name) for name in ("suspended_at", "deleted_at", "not_before")}
    told: dict[str, JsonValue] = {name: at.isoformat() for name, at in moments.items() if at is not None}
    if standing.by_region:
        told["by_region"] = True
    return {"in_force": standing.in_force, "generation": standing.generation, **told}
