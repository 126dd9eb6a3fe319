"""Ending what was registered: suspend, resume, delete, not-before, and another key for an archive's enforcement point.

1. Whoever could register it may end it: the trust whose it is on file, the region for what is national.
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
from governance.federation import FederationDirectory, Registered, Standing, person_name
from governance.pseudonyms import Pseudonymiser
from governance.registers import claims
from governance.registers.changes import Change, Changes, Made
from governance.registers.writers import Writer, require_own
from governance.vocabulary import Scope

_MATTER = "federation"


class Ending(StrEnum):
    """What can be done to a registration."""

    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    NOT_BEFORE = "not_before"
    ROTATE = "rotate"


_ACTS: Mapping[Ending, Callable[[Standing, datetime], Standing]] = {
    Ending.SUSPEND: Standing.suspended,
    Ending.RESUME: lambda standing, _at: standing.resumed(),
    Ending.DELETE: Standing.deleted,
    Ending.NOT_BEFORE: Standing.since,
    Ending.ROTATE: Standing.rotated,
}


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be ended: ``name`` is a client id or an issuer, ``subject`` the person of a console account there."""

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
            path, ods = self._whose(session, target)
            require_own(writer, claims.ended(path, ods))
            before = self._federation.standing(session, target.kind, self._name(target))
            after = _ACTS[ending](before, not_before or now)
            self._federation.register_standing(session, after)
            if target.kind is Registered.CREDENTIALS and ending is not Ending.RESUME:
                client = self._federation.standing(session, Registered.CLIENT, target.name)
                self._federation.register_standing(session, client.since(now))
            told: dict[str, JsonValue] = {"ended": target.kind.value, "act": ending.value, **self._named(target)}
            return Made(after, told | {"before": _told(before), "after": _told(after)})

        return self._changes.make(Change(writer, Scope.FEDERATION_WRITE, _MATTER, now), write)

    def _whose(self, session: Session, target: Target) -> tuple[str, str | None]:
        """Give the field that makes a registration somebody's, and whose it is; raises NotFound."""
        if target.kind is Registered.IDENTITY_PROVIDER:
            provider = self._federation.filed_identity_provider(session, target.name)
            if provider is not None:
                return "/issuer", provider.ods
        elif target.kind is Registered.PERSON:
            person = self._federation.filed_person(session, target.name, target.subject or "")
            if person is not None:
                return "/subject", person.ods
        else:
            client = self._federation.filed_client(session, target.name)
            if client is not None and (client.archive or target.kind is not Registered.ENFORCEMENT_KEY):
                return "/client_id", client.ods
        raise NotFound("registration.unknown", "There is no such registration.")

    def _name(self, target: Target) -> str:
        if target.subject is None:
            return target.name
        return person_name(target.name, self._pseudonymiser.subject(target.subject))

    def _named(self, target: Target) -> dict[str, JsonValue]:
        if target.kind is Registered.PERSON:
            return {"issuer": target.name, "subject": self._pseudonymiser.subject(target.subject or "")}
        return {"issuer" if target.kind is Registered.IDENTITY_PROVIDER else "client_id": target.name}


def _refuse(target: Target, ending: Ending, not_before: datetime | None, now: datetime) -> None:
    faults = []
    if (target.kind is Registered.PERSON) != bool(target.subject):
        faults.append(Fault("/subject", "names the person of a console account, and nothing else has one"))
    if (ending is Ending.ROTATE) and target.kind is not Registered.ENFORCEMENT_KEY:
        faults.append(Fault("/act", "only the key of an enforcement point is made anew here"))
    if ending is Ending.NOT_BEFORE and target.kind in {Registered.CREDENTIALS, Registered.ENFORCEMENT_KEY}:
        faults.append(Fault("/act", "nothing is issued by it: bound its client instead"))
    if not_before is not None and ending is not Ending.NOT_BEFORE:
        faults.append(Fault("/not_before", "belongs to the act not_before alone"))
    if not_before is not None and not_before > now:
        faults.append(Fault("/not_before", "is not in the future"))
    if faults:
        raise InvalidInput(faults, "This cannot be done.")


def _told(standing: Standing) -> dict[str, JsonValue]:
    """Give a standing for the log."""
    moments = {name: getattr(standing, name) for name in ("suspended_at", "deleted_at", "not_before")}
    told: dict[str, JsonValue] = {name: at.isoformat() for name, at in moments.items() if at is not None}
    return {"in_force": standing.in_force, "generation": standing.generation, **told}
