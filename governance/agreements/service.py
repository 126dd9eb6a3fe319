"""The use cases of agreements: put on file, sign, activate, suspend, terminate, expire, look up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from governance.agreements import _key_store, _store
from governance.agreements._keys import KeyRegister
from governance.agreements._ledger import Entry, Ledger
from governance.agreements._loading import Organisations, check_all, new_versions, refuse_strangers
from governance.agreements._moves import (
    may_be_in_force,
    require_controller,
    require_party,
    require_seen,
    signing_key,
    standing,
    step_of,
    store_signature,
    supersede_older,
)
from governance.agreements._publisher import PolicyPublisher, Subscriber
from governance.agreements._records import RecordReader
from governance.agreements.compilation import PolicyData, compile_policy
from governance.agreements.hypothesis import InForce, Moved, apply
from governance.agreements.lifecycle import Transition, step
from governance.agreements.record import Actor, Change, Line, PartyKey, Record, Signature, chosen, speaks
from governance.agreements.signing import verify
from governance.agreements.transfer import Transfer
from governance.audit import Recorder
from governance.audit.event import JsonValue
from governance.clock import Clock
from governance.errors import Fault, InvalidInput, NotFound
from governance.facts import FactWriter
from governance.storage import Database
from governance.vocabulary import AgreementStatus

LONGEST_REASON = 500  # characters
_PAGE = 500  # versions read at a time to the last page
_EXPIRES = frozenset({AgreementStatus.ACTIVE, AgreementStatus.SIGNED, AgreementStatus.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; ``after`` is where the next part begins, None at the end."""

    records: tuple[Record, ...]
    after: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts for a gauge: versions by status, active ones that end within 30 days, active ones no longer signed."""

    by_status: Mapping[AgreementStatus, int]
    ending_soon: int
    unsigned: int


class Agreements:
    """Keeps agreements and their policy data.

    Args:
        database: where everything is kept.
        recorder: records every change, in the transaction that makes it.
        clock: read once in each use case.
        organisations: gives the ODS codes that may be a party of a new text.
        rules: names the rules that decide with the policy data; a part of its revision.
        facts: keeps what was in force, and since when that was known.
    """

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        organisations: Organisations,
        rules: str = "",
        *,
        facts: FactWriter,
    ) -> None:
        self._database = database
        self._rules = rules
        self._organisations = organisations
        self._ledger = Ledger(database, recorder, clock, facts)
        self._reader = RecordReader()
        self._publisher = PolicyPublisher(database, self._reader, rules)
        self._keys = KeyRegister(self._ledger)
        self.transfer = Transfer(database, self._ledger, self._reader, organisations)

    def load(
        self, documents: Sequence[Mapping[str, JsonValue]], actor: Actor, prefixes: Sequence[str] | None = None
    ) -> tuple[Record, ...]:
        """Put documents on file as drafts: all of them, or none.

        A text already on file under its version is left as it is, so loading again is harmless. A new version is one
        more than the newest on file; the first may bear any number.

        Args:
            documents: plain JSON values.
            actor: who asks; a party, or somebody who acts for the network.
            prefixes: what goes before the path of a fault, one for each document (``/0``, ``/1``, … when not given,
                nothing for a single document).

        Raises:
            InvalidInput: with every fault of every document.
            Forbidden: the actor is no party of one of them.
        """
        names = prefixes or ([""] if len(documents) == 1 else [f"/{n}" for n in range(len(documents))])
        checked = check_all(documents, names)
        for one in checked:
            require_party(one.agreement, actor)
        with self._ledger.entry(actor) as entry:
            known = _store.on_file(entry.session, (one.agreement.id for one in checked))
            fresh = new_versions(checked, names, known)
            refuse_strangers(checked, names, self._organisations(entry.session))
            _store.insert_versions(entry.session, fresh, entry.now)
            entry.write([step_of(one.agreement, Transition.LOAD, AgreementStatus.DRAFT) for one in fresh])
        with self._database.reading() as session:
            wanted = [(one.agreement.id, one.agreement.version) for one in checked]
            return tuple(self._reader.records(session, _store.named(session, wanted)))

    def sign(self, agreement_id: str, version: int, key_id: str, signature: str, actor: Actor) -> Record:
        """Take a party's signature over the canonical text of a version.

        The version is signed once every party's signature counts. Signing twice with one key changes nothing.

        Args:
            agreement_id: the agreement.
            version: which text is signed.
            key_id: a registered key of a party, not revoked.
            signature: base64url without padding, 64 bytes.
            actor: who hands it in; a party, or somebody who acts for the network.

        Raises:
            NotFound, Forbidden, Conflict (not in a state to be signed), InvalidInput (key or signature is not right).
        """
        with self._ledger.entry(actor) as entry:
            record = self._locked(entry, agreement_id, version)
            require_party(record.agreement, actor)
            key = signing_key(_key_store.keys(entry.session), key_id, record.agreement)
            if any(known.key_id == key_id for known in record.signatures):
                return record
            after = step(standing(record, record.valid | {key.ods}), Transition.SIGN, entry.now)
            if not verify(record.text, signature, key.public_key):
                raise InvalidInput(
                    [Fault("/signature", "is not the signature of this text by this key")], "The signature is wrong."
                )
            made = Signature(key.ods, key.name, key.role, key.key_id, key.algorithm, signature, entry.now)
            store_signature(entry, record, made, after)
        if record.status not in {AgreementStatus.DRAFT, AgreementStatus.SIGNED}:
            self._publisher.refresh()
        return self.get(agreement_id, version)

    def activate(self, agreement_id: str, version: int, actor: Actor, reason: str | None = None) -> Record:
        """Bring a signed or suspended version into force; every older version is superseded in the same step.

        One whose last day has passed goes on record as expired, and supersedes nothing.

        Raises:
            NotFound, Forbidden (only a controller may), Conflict (with what prevents it).
        """
        return self._move(agreement_id, version, Transition.ACTIVATE, actor, reason)

    def suspend(self, agreement_id: str, version: int, actor: Actor, reason: str) -> Record:
        """Take an active version out of force until it is activated again; raises as :meth:`activate`."""
        return self._move(agreement_id, version, Transition.SUSPEND, actor, reason)

    def terminate(self, agreement_id: str, version: int, actor: Actor, reason: str) -> Record:
        """End a version for good, or withdraw one that was never in force; raises as :meth:`activate`."""
        return self._move(agreement_id, version, Transition.TERMINATE, actor, reason)

    def expire_due(self, now: datetime) -> tuple[tuple[str, int], ...]:
        """Expire every version whose last day has passed; gives their names and versions."""
        with self._database.reading() as session:
            if not _store.due(session, _EXPIRES, now):
                return ()
        office = Actor(self._ledger.source.id, "service", None)
        with self._ledger.entry(office, now) as entry:
            over = _store.due(entry.session, _EXPIRES, now)
            if not over:  # another process was faster
                return ()
            for one in over:
                _store.set_status(entry.session, one.agreement_id, one.version, AgreementStatus.EXPIRED, None, now)
            _store.next_generation(entry.session)
            records = self._reader.records(entry.session, over)
            entry.write([step_of(one.agreement, Transition.EXPIRE, AgreementStatus.EXPIRED) for one in records])
        self._publisher.refresh()
        return tuple((one.agreement_id, one.version) for one in over)

    def get(self, agreement_id: str, version: int | None = None, seen_by: str | None = None) -> Record:
        """Give one version; without a number the one that speaks for the agreement now: active, suspended, or newest.

        Raises:
            NotFound: no such agreement or version, or none that binds the organisation ``seen_by``.
        """
        return chosen(self.versions(agreement_id, seen_by), version)

    def lines_in(self, session: Session, agreement_ids: Iterable[str]) -> dict[str, Line]:
        """Give agreements in one line each, those that are on file, as a snapshot shows them."""
        titles = _store.titles(session, agreement_ids)
        ranked = sorted(titles, key=lambda one: speaks(one.version, one.status, one.superseded_by))
        return {one.agreement_id: Line(one.title, one.status) for one in ranked}

    def versions(self, agreement_id: str, seen_by: str | None = None) -> tuple[Record, ...]:
        """Give every version of an agreement that binds the organisation ``seen_by`` (all when None), oldest first.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as session:
            return self.versions_in(session, agreement_id, seen_by)

    def versions_in(self, session: Session, agreement_id: str, seen_by: str | None = None) -> tuple[Record, ...]:
        """Give every version as :meth:`versions` does, in the caller's snapshot."""
        records = self._reader.records(session, _store.versions_of(session, agreement_id))
        found = tuple(one for one in records if seen_by is None or one.agreement.role_of(seen_by) is not None)
        if not found:
            raise NotFound("agreement.unknown", "There is no such agreement or version.")
        return found

    def history(self, agreement_id: str) -> tuple[Change, ...]:
        """Give every step of an agreement's life, oldest first; who took it is in the audit log."""
        with self._database.reading() as session:
            return self.history_in(session, agreement_id)

    def history_in(self, session: Session, agreement_id: str) -> tuple[Change, ...]:
        """Give every step as :meth:`history` does, in the caller's snapshot."""
        return tuple(_store.history(session, agreement_id))

    def list(
        self,
        status: AgreementStatus | None = None,
        ods: str | None = None,
        after: tuple[str, int] | None = None,
        limit: int = 50,
        seen_by: str | None = None,
    ) -> Page:
        """Give versions that were not superseded, by name: in one status, of one party, after a position.

        ``seen_by`` narrows the list to what an organisation is a party of.
        """
        with self._database.reading() as session:
            return self.list_in(session, status, ods, after, limit, seen_by)

    def list_in(
        self,
        session: Session,
        status: AgreementStatus | None = None,
        ods: str | None = None,
        after: tuple[str, int] | None = None,
        limit: int = 50,
        seen_by: str | None = None,
    ) -> Page:
        """Give a page as :meth:`list` does, in the caller's snapshot."""
        parties = {party for party in (ods, seen_by) if party is not None}
        stored = _store.page(session, status, parties, after, limit + 1)
        records = tuple(self._reader.records(session, stored[:limit]))
        last = records[-1].agreement if len(stored) > limit else None
        return Page(records, None if last is None else (last.id, last.version))

    def all_in(
        self, session: Session, status: AgreementStatus | None = None, ods: str | None = None
    ) -> Iterator[Record]:
        """Give every record that :meth:`list_in` does, to the last page."""
        after: tuple[str, int] | None = None
        while True:
            page = self.list_in(session, status, ods, after, _PAGE)
            yield from page.records
            after = page.after
            if after is None:
                return

    def overview(self, now: datetime) -> Overview:
        """Give the counts a dashboard shows."""
        with self._database.reading() as session:
            counted = _store.count_by_status(session)
            soon = len(_store.due(session, [AgreementStatus.ACTIVE], now + timedelta(days=30)))
        return Overview(counted, soon, len(self._publisher.unsigned))

    def register_key(self, ods: str, name: str, role: str, public_key: str, actor: Actor) -> PartyKey:
        """Put a signatory's public key on file; see :meth:`KeyRegister.register`."""
        return self._keys.register(ods, name, role, public_key, actor)

    def revoke_key(self, key_id: str, actor: Actor) -> PartyKey:
        """Revoke a key; agreements that rest on it leave the policy at once. See :meth:`KeyRegister.revoke`."""
        revoked = self._keys.revoke(key_id, actor)
        self._publisher.refresh()
        return revoked

    def keys(self, ods: str | None = None) -> tuple[PartyKey, ...]:
        """Give the registered keys of one organisation or of all, oldest first."""
        with self._database.reading() as session:
            return tuple(_key_store.keys(session, ods).values())

    def compiled(self) -> PolicyData:
        """Give the policy data this process last published."""
        return self._publisher.current

    def refresh(self) -> PolicyData:
        """Take up what other processes changed; cheap when nothing did. Give what is current."""
        return self._publisher.refresh()

    def behind(self, session: Session) -> bool:
        """Say whether a snapshot shows what another process changed and this one has not taken up."""
        return self._publisher.behind(session)

    def texts(self, changes: Sequence[InForce | Moved], seen_by: str | None = None) -> tuple[InForce | Moved, ...]:
        """Give supposed changes with every activation as the text it would bring into force.

        Raises:
            NotFound: no such version, or none that binds the organisation ``seen_by``.
            Forbidden: ``seen_by`` is no party of a text.
            Conflict: the version is over, or a newer one took its place.
        """
        return tuple(self._text(change, seen_by) for change in changes)

    def suppose(self, changes: Sequence[InForce | Moved]) -> PolicyData:
        """Compile the policy data as it would be after the changes (see :meth:`texts`); nothing is written.

        Raises:
            Conflict: a version that is not in force is supposed to end.
        """
        with self._database.reading() as session:
            found = self._reader.compilables(session, _store.compilable(session))
        return compile_policy(apply(found, changes), self._rules)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hand the policy data over now and after each change; gives the call that ends it."""
        return self._publisher.subscribe(subscriber)

    def _text(self, change: InForce | Moved, seen_by: str | None) -> InForce | Moved:
        if isinstance(change, InForce):
            require_seen(change.agreement, seen_by)
            return change
        record = self.get(change.agreement_id, change.version, seen_by)
        return may_be_in_force(record) if change.transition is Transition.ACTIVATE else change

    def _move(
        self, agreement_id: str, version: int, transition: Transition, actor: Actor, reason: str | None
    ) -> Record:
        if reason is not None and not 0 < len(reason.strip()) <= LONGEST_REASON:
            raise InvalidInput([Fault("/reason", f"must be 1 to {LONGEST_REASON} characters")])
        with self._ledger.entry(actor) as entry:
            record = self._locked(entry, agreement_id, version)
            require_controller(record.agreement, actor)
            after = step(standing(record, record.valid), transition, entry.now)
            _store.set_status(entry.session, agreement_id, version, after, reason, entry.now)
            steps = [step_of(record.agreement, transition, after, reason)]
            if after is AgreementStatus.ACTIVE:
                steps += supersede_older(entry, agreement_id, version)
            _store.next_generation(entry.session)
            entry.write(steps)
        self._publisher.refresh()
        return self.get(agreement_id, version)

    def _locked(self, entry: Entry, agreement_id: str, version: int) -> Record:
        """Give a version, keeping other writers off every version of the agreement until the commit."""
        stored = _store.versions_of(entry.session, agreement_id, lock=True)
        found = self._reader.records(entry.session, [one for one in stored if one.version == version])
        if not found:
            raise NotFound("agreement.unknown", "There is no such agreement or version.")
        return found[0]
