"""Agreements out of this register and into it, with their signatures beside them: all or nothing on the way in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from governance.agreements import _key_store, _store
from governance.agreements._ledger import Entry, Ledger, Step
from governance.agreements._loading import Organisations, check_all, new_versions, refuse_strangers
from governance.agreements._moves import require_party, standing, step_of
from governance.agreements._records import RecordReader
from governance.agreements.documents import Checked
from governance.agreements.lifecycle import Transition, step
from governance.agreements.packing import (
    PackedSignature,
    is_item,
    item_faults,
    pack,
    signature_faults,
    signatures_of,
)
from governance.agreements.record import Actor, PartyKey, Record, Signature
from governance.agreements.signing import read_public_key
from governance.audit.event import JsonValue
from governance.errors import Conflict, Fault, InvalidInput
from governance.storage import Database
from governance.vocabulary import AgreementStatus

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Incoming:
    """A checked document on its way in, its signatures, and what goes before the path of a fault of either."""

    checked: Checked
    signatures: tuple[PackedSignature, ...]
    prefix: str
    text_prefix: str


def check_items(values: Sequence[Any], prefixes: Sequence[str]) -> list[Incoming]:
    """Check plain documents and items with signatures, as far as that needs no register.

    Args:
        values: plain JSON values, each a document or an item (``packing``).
        prefixes: goes before the path of each one's faults.

    Raises:
        InvalidInput: with every fault of every value.
    """
    paired = list(zip(values, prefixes, strict=True))
    faults = [fault for value, prefix in paired if is_item(value) for fault in item_faults(value, prefix)]
    documents = [value["agreement"] if is_item(value) else value for value in values]
    names = [f"{prefix}/agreement" if is_item(value) else prefix for value, prefix in paired]
    try:
        checked = check_all(documents, names)
    except InvalidInput as refused:
        raise InvalidInput([*faults, *refused.faults], refused.detail) from None
    for one, (value, prefix) in zip(checked, paired, strict=True):
        if is_item(value) and value.get("text_hash", one.text_hash) != one.text_hash:
            faults.append(Fault(f"{prefix}/text_hash", "is not the hash of this text"))
    if faults:
        raise InvalidInput(faults, "Nothing was loaded: not every agreement is valid.")
    return [
        Incoming(one, signatures_of(value) if is_item(value) else (), prefix, name)
        for one, (value, prefix), name in zip(checked, paired, names, strict=True)
    ]


class Transfer:
    """Gives agreements away and takes them in.

    Args:
        database: where everything is kept.
        ledger: opens the one transaction of an import.
        reader: makes records.
        organisations: gives the ODS codes that may be a party of a new text.
    """

    def __init__(self, database: Database, ledger: Ledger, reader: RecordReader, organisations: Organisations) -> None:
        self._organisations = organisations
        self._database = database
        self._ledger = ledger
        self._reader = reader

    def pack(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Give the items of versions, with the signatures that count now."""
        with self._database.reading() as session:
            keys = _key_store.keys(session)
        return [pack(record, keys) for record in records]

    def register(self, seen_by: str | None = None) -> Iterator[dict[str, Any]]:
        """Give the item of every version on file by name and version: of all agreements, or of one organisation's."""
        parties = () if seen_by is None else (seen_by,)
        after: tuple[str, int] | None = None
        while True:
            with self._database.reading() as session:
                stored = _store.page(session, None, parties, after, _PAGE, superseded=True)
                records, keys = self._reader.records(session, stored), _key_store.keys(session)
            yield from (pack(record, keys) for record in records)
            if len(stored) < _PAGE:
                return
            after = (stored[-1].agreement_id, stored[-1].version)

    def load(
        self, values: Sequence[Mapping[str, JsonValue]], actor: Actor, prefixes: Sequence[str] | None = None
    ) -> tuple[Record, ...]:
        """Put documents, and items with their signatures, on file: all of them, or none.

        A version is a draft until every party's signature counts, and then signed; nothing comes into force here. A
        key that is not on file is registered for its organisation, so whoever may not do that brings known keys only.
        A version that has ended keeps its signatures and its state. Loading again changes nothing.

        Args:
            values: plain JSON values, each a document or an item (``packing``).
            actor: who asks; a party of every document, or somebody who acts for the network.
            prefixes: what goes before the path of a fault, one for each value.

        Raises:
            InvalidInput: with every fault of the first step that found any.
            Forbidden: the actor is no party of one of them.
        """
        names = list(prefixes or ([""] if len(values) == 1 else [f"/{n}" for n in range(len(values))]))
        incoming = sorted(check_items(values, names), key=lambda one: one.checked.agreement.version)
        for one in incoming:
            require_party(one.checked.agreement, actor)
        with self._ledger.entry(actor) as entry:
            known = _store.on_file(entry.session, (one.checked.agreement.id for one in incoming))
            texts, paths = [one.checked for one in incoming], [one.text_prefix for one in incoming]
            fresh = new_versions(texts, paths, known)
            refuse_strangers(texts, paths, self._organisations(entry.session))
            _store.insert_versions(entry.session, fresh, entry.now)
            steps = [step_of(one.agreement, Transition.LOAD, AgreementStatus.DRAFT) for one in fresh]
            entry.write([*steps, *self._signed(entry, [one for one in incoming if one.signatures])])
        with self._database.reading() as session:
            wanted = sorted({(one.checked.agreement.id, one.checked.agreement.version) for one in incoming})
            return tuple(self._reader.records(session, _store.named(session, wanted)))

    def _signed(self, entry: Entry, incoming: Sequence[Incoming]) -> list[Step]:
        if not incoming:
            return []
        keys = _key_store.keys(entry.session)
        _refuse_faults(entry, incoming, keys)
        steps = _register_keys(entry, incoming, keys)
        wanted = [(one.checked.agreement.id, one.checked.agreement.version) for one in incoming]
        records = self._reader.records(entry.session, _store.named(entry.session, wanted))
        for one, record in zip(incoming, records, strict=True):
            steps += _add_signatures(entry, one, record)
        _store.next_generation(entry.session)
        return steps


def _refuse_faults(entry: Entry, incoming: Sequence[Incoming], keys: Mapping[str, PartyKey]) -> None:
    """Hold every signature to its text, its key and what is on file about the key; raises InvalidInput with all."""
    faults: list[Fault] = []
    holders: dict[str, str] = {}
    for one in incoming:
        for number, signed in enumerate(one.signatures):
            path = f"{one.prefix}/signatures/{number}"
            if holders.setdefault(signed.key_id, signed.ods) != signed.ods:
                faults.append(Fault(f"{path}/key_id", "is given for two organisations"))
            faults += signature_faults(signed, one.checked.text, one.checked.agreement.signatories, entry.now, path)
            faults += _key_faults(entry.actor, signed, keys.get(signed.key_id), path)
    if faults:
        raise InvalidInput(faults, "Nothing was loaded: a signature does not count.")


def _key_faults(actor: Actor, signed: PackedSignature, held: PartyKey | None, path: str) -> Iterator[Fault]:
    if held is None and actor.ods not in {None, signed.ods}:
        yield Fault(f"{path}/key_id", "is not registered here, and only its own organisation registers it")
    elif held is not None and held.ods != signed.ods:
        yield Fault(f"{path}/key_id", "is registered for another organisation")
    elif held is not None and held.revoked_at is not None:
        yield Fault(f"{path}/key_id", "was revoked")


def _register_keys(entry: Entry, incoming: Sequence[Incoming], keys: dict[str, PartyKey]) -> list[Step]:
    steps: list[Step] = []
    for signed in (line for one in incoming for line in one.signatures):
        held = keys.get(signed.key_id)
        if held is None:
            algorithm, key_id, normal = read_public_key(signed.public_key)
            made = PartyKey(key_id, signed.ods, signed.name, signed.role, algorithm, normal, entry.now)
            _key_store.insert_key(entry.session, made)
            keys[key_id] = made
            steps.append(Step("register_key", key=made))
    return steps


def _add_signatures(entry: Entry, one: Incoming, record: Record) -> Iterator[Step]:
    held = {signature.key_id for signature in record.signatures}
    agreement = record.agreement
    for line in one.signatures:
        if line.key_id in held:
            continue
        held.add(line.key_id)
        made = Signature(line.ods, line.name, line.role, line.key_id, line.algorithm, line.signature, line.signed_at)
        _key_store.insert_signature(entry.session, agreement.id, agreement.version, made)
        after = _status_after(record, line.ods, entry)
        if after is not record.status:
            _store.set_status(entry.session, agreement.id, agreement.version, after, None, entry.now)
        record = replace(record, status=after, valid=record.valid | {line.ods})
        yield step_of(agreement, Transition.SIGN, after)


def _status_after(record: Record, ods: str, entry: Entry) -> AgreementStatus:
    try:
        return step(standing(record, record.valid | {ods}), Transition.SIGN, entry.now)
    except Conflict:
        return record.status  # it has ended: the signature is kept as evidence and brings nothing about
