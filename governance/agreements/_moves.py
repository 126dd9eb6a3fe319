"""The parts of a step that touch what is kept: whose key, whose right, what follows for the older versions."""

from collections.abc import Mapping

from governance.agreements import _key_store, _store
from governance.agreements._ledger import Entry, Step
from governance.agreements.hypothesis import InForce
from governance.agreements.lifecycle import FINAL, Standing, Transition
from governance.agreements.model import Agreement
from governance.agreements.record import Actor, PartyKey, Record, Signature
from governance.errors import Conflict, Fault, Forbidden, InvalidInput
from governance.vocabulary import AgreementStatus, PartyRole

_TELLS_END = frozenset({Transition.ACTIVATE, Transition.EXPIRE})


def signing_key(keys: Mapping[str, PartyKey], key_id: str, agreement: Agreement) -> PartyKey:
    """Give the key a signature names; raises InvalidInput when it is no party's, or revoked."""
    key = keys.get(key_id)
    if key is None or key.ods not in agreement.signatories:
        raise InvalidInput([Fault("/key_id", "is not a registered key of a party")], "The key is not known.")
    if key.revoked_at is not None:
        raise InvalidInput([Fault("/key_id", "was revoked")], "The key was revoked.")
    return key


def store_signature(entry: Entry, record: Record, made: Signature, after: AgreementStatus) -> None:
    """Put a verified signature on file, with the status it leads to."""
    agreement = record.agreement
    _key_store.insert_signature(entry.session, agreement.id, agreement.version, made)
    if after is not record.status:
        _store.set_status(entry.session, agreement.id, agreement.version, after, None, entry.now)
    _store.next_generation(entry.session)
    entry.write([step_of(agreement, Transition.SIGN, after)])


def supersede_older(entry: Entry, agreement_id: str, version: int) -> list[Step]:
    """Let a version take the place of every older one; gives the steps that ended those still running."""
    steps: list[Step] = []
    for older in _store.versions_of(entry.session, agreement_id):
        if older.version >= version or older.superseded_by is not None:
            continue
        _store.mark_superseded(entry.session, agreement_id, older.version, version)
        if older.status not in FINAL:
            ended, reason = AgreementStatus.TERMINATED, f"superseded by version {version}"
            _store.set_status(entry.session, agreement_id, older.version, ended, reason, entry.now)
            steps.append(Step(Transition.SUPERSEDE, agreement_id, older.version, ended, reason))
    return steps


def standing(record: Record, valid: frozenset[str]) -> Standing:
    """Give what the state machine needs to know of a version."""
    agreement = record.agreement
    return Standing(
        record.status, agreement.signatories, valid, agreement.effective.begins_at, agreement.effective.ends_at
    )


def step_of(agreement: Agreement, transition: Transition, status: AgreementStatus, reason: str | None = None) -> Step:
    """Make the step a version took."""
    ends_at = agreement.effective.ends_at if transition in _TELLS_END else None
    return Step(transition.value, agreement.id, agreement.version, status, reason, ends_at=ends_at)


def require_party(agreement: Agreement, actor: Actor) -> None:
    """Let only a party, or somebody who acts for the network, go on; raises Forbidden."""
    if actor.ods is not None and agreement.role_of(actor.ods) is None:
        raise Forbidden("agreement.not_a_party", "Only a party of the agreement may do this.")


def require_seen(agreement: Agreement, ods: str | None) -> None:
    """Let only an organisation the text binds, or nobody in particular, ask what it would do; raises Forbidden."""
    if ods is not None and agreement.role_of(ods) is None:
        raise Forbidden("agreement.not_a_party", "Only a party of the agreement may ask this.")


def may_be_in_force(record: Record) -> InForce:
    """Give the text of a version that could still be activated; raises Conflict."""
    if record.status in FINAL or record.superseded_by is not None:
        raise Conflict("agreement.illegal_transition", "A version that is over or superseded is never in force again.")
    return InForce(record.agreement)


def require_controller(agreement: Agreement, actor: Actor) -> None:
    """Let only a controller or joint controller, or somebody who acts for the network, go on; raises Forbidden."""
    require_party(agreement, actor)
    if actor.ods is not None and agreement.role_of(actor.ods) is PartyRole.PROCESSOR:
        raise Forbidden("agreement.not_a_controller", "Only a controller or joint controller may do this.")
