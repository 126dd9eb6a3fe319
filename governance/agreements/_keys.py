"""The register of signatories' public keys."""

from governance.agreements import _key_store, _store
from governance.agreements._ledger import Ledger, Step
from governance.agreements.record import Actor, PartyKey
from governance.agreements.signing import read_public_key
from governance.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from governance.vocabulary import ods_code

LONGEST_NAME = 200  # characters


class KeyRegister:
    """Registers and revokes keys; a key belongs to one organisation for ever."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def register(self, ods: str, name: str, role: str, public_key: str, actor: Actor) -> PartyKey:
        """Put a signatory's public key on file; registering the same key again changes nothing.

        Args:
            ods: the organisation it signs for.
            name: who holds it.
            role: what they are there (``Caldicott Guardian``).
            public_key: PEM, Ed25519 or P-256.
            actor: who asks; it may register keys of its own organisation only.

        Raises:
            InvalidInput: every fault by field.
            Forbidden: the actor belongs to another organisation.
            Conflict: the key is on file for another holder, or was revoked.
        """
        faults = [
            Fault(path, f"must be 1 to {LONGEST_NAME} characters")
            for path, text in (("/name", name), ("/role", role))
            if not 0 < len(text.strip()) <= LONGEST_NAME
        ]
        for path, check in (("/ods", lambda: ods_code(ods)), ("/public_key", lambda: read_public_key(public_key))):
            try:
                check()
            except ValueError as error:
                faults.append(Fault(path, str(error)))
        if faults:
            raise InvalidInput(faults, "The key cannot be registered.")
        if actor.ods not in {None, ods}:
            raise Forbidden("key.other_organisation", "A key is registered by its own organisation.")
        algorithm, key_id, normal = read_public_key(public_key)
        with self._ledger.entry(actor) as entry:
            held = _key_store.keys(entry.session).get(key_id)
            made = PartyKey(key_id, ods, name.strip(), role.strip(), algorithm, normal, entry.now)
            if held is not None:
                if (held.ods, held.name, held.role, held.revoked_at) != (made.ods, made.name, made.role, None):
                    raise Conflict("key.exists", "This key is on file for another holder, or was revoked.")
                return held
            _key_store.insert_key(entry.session, made)
            entry.write([Step("register_key", key=made)])
        return made

    def revoke(self, key_id: str, actor: Actor) -> PartyKey:
        """Revoke a key: no signature made with it counts any more, whenever it was made.

        Raises:
            NotFound: no such key.
            Forbidden: the actor belongs to another organisation.
        """
        with self._ledger.entry(actor) as entry:
            held = _key_store.keys(entry.session).get(key_id)
            if held is None:
                raise NotFound("key.unknown", "There is no such key.")
            if actor.ods not in {None, held.ods}:
                raise Forbidden("key.other_organisation", "A key is revoked by its own organisation.")
            if held.revoked_at is None:
                _key_store.revoke_key(entry.session, key_id, entry.now)
                _store.next_generation(entry.session)
                entry.write([Step("revoke_key", key=held)])
            return _key_store.keys(entry.session)[key_id]
