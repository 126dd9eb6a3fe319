"""A rehearsal: brings documents to a wanted status with keys the caller holds. For demonstrations and tests.

It calls what the parties would call: each key is registered, each signature handed in and checked, each step
taken by the lifecycle. It knows no private key of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.agreements.record import Actor, Record
from governance.agreements.service import Agreements
from governance.agreements.signing import new_private_key, public_key_of, sign
from governance.audit.event import JsonValue
from governance.vocabulary import AgreementStatus


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs for an organisation, with their private key (PEM)."""

    name: str
    role: str
    private_key: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a document is to be brought; ``unsigned`` names the parties that hold back."""

    status: AgreementStatus = AgreementStatus.ACTIVE
    reason: str | None = None
    unsigned: Sequence[str] = ()


def rehearse(
    service: Agreements,
    documents: Sequence[Mapping[str, JsonValue]],
    signatories: Mapping[str, Signatory],
    actor: Actor,
    wanted: Mapping[str, Wanted] | None = None,
) -> tuple[Record, ...]:
    """Load, sign and move documents; gives the final records. Running it again changes nothing.

    Args:
        service: the agreements of a running system.
        documents: plain JSON values.
        signatories: by ODS code, one for each party that is to sign.
        actor: acts for the network.
        wanted: by agreement name; active when not named.

    Raises what the service raises: a document that cannot be brought there stops the rehearsal.
    """
    loaded = service.load(documents, actor)
    plans = wanted or {}
    return tuple(
        _bring(service, record, signatories, actor, plans.get(record.agreement.id, Wanted())) for record in loaded
    )


def new_signatories(organisations: Mapping[str, str]) -> dict[str, Signatory]:
    """Make a signatory with a fresh key for each organisation, given names by ODS code."""
    return {
        ods: Signatory(f"Caldicott Guardian, {name}", "Caldicott Guardian", new_private_key())
        for ods, name in organisations.items()
    }


def _register(service: Agreements, ods: str, signatory: Signatory, actor: Actor) -> str:
    public = public_key_of(signatory.private_key)
    return service.register_key(ods, signatory.name, signatory.role, public, actor).key_id


def _bring(
    service: Agreements,
    record: Record,
    signatories: Mapping[str, Signatory],
    actor: Actor,
    wanted: Wanted,
) -> Record:
    if record.status is not AgreementStatus.DRAFT:
        return record
    name, version = record.agreement.id, record.agreement.version
    for ods in sorted(record.agreement.signatories - record.valid - set(wanted.unsigned)):
        key = _register(service, ods, signatories[ods], actor)
        record = service.sign(name, version, key, sign(record.text, signatories[ods].private_key), actor)
    reason = wanted.reason or "rehearsal"
    if wanted.status in {AgreementStatus.ACTIVE, AgreementStatus.SUSPENDED, AgreementStatus.TERMINATED}:
        record = service.activate(name, version, actor)
    if wanted.status is AgreementStatus.SUSPENDED:
        record = service.suspend(name, version, actor, reason)
    if wanted.status is AgreementStatus.TERMINATED:
        record = service.terminate(name, version, actor, reason)
    return record
