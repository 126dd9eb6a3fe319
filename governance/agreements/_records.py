"""From what is kept to what is shown: texts parsed once, signatures verified once, keys asked anew each time."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from governance.agreements import _key_store
from governance.agreements._store import Stored
from governance.agreements.compilation import Compilable
from governance.agreements.documents import read_back
from governance.agreements.model import Agreement
from governance.agreements.record import PartyKey, Record, Signature
from governance.agreements.signing import SignatureBook

_Signatures = Mapping[tuple[str, int], tuple[Signature, ...]]


class RecordReader:
    """Makes records and compilables; caches parsed texts by hash, for a version's text never changes."""

    def __init__(self) -> None:
        self._texts: dict[str, Agreement] = {}
        self._book = SignatureBook()

    def records(self, session: Session, stored: Sequence[Stored]) -> list[Record]:
        """Give the records of stored versions, with which signatures count now."""
        signatures = _key_store.signatures(session, [(one.agreement_id, one.version) for one in stored])
        keys = _key_store.keys(session)
        return [self._record(one, signatures, keys) for one in stored]

    def compilables(self, session: Session, stored: Sequence[Stored]) -> list[Compilable]:
        """Give stored versions as the compiler takes them, every signature judged anew."""
        signatures, keys = _key_store.signatures(session), _key_store.keys(session)
        made = (self._record(one, signatures, keys) for one in stored)
        return [Compilable(record.agreement, record.status, not record.missing) for record in made]

    def _record(self, stored: Stored, signatures: _Signatures, keys: Mapping[str, PartyKey]) -> Record:
        signed = signatures.get((stored.agreement_id, stored.version), ())
        return Record(
            agreement=self._agreement(stored),
            text=stored.text,
            text_hash=stored.text_hash,
            status=stored.status,
            status_reason=stored.status_reason,
            status_changed_at=stored.status_changed_at,
            loaded_at=stored.loaded_at,
            superseded_by=stored.superseded_by,
            signatures=signed,
            valid=self._book.valid(stored.text, stored.text_hash, signed, keys),
        )

    def _agreement(self, stored: Stored) -> Agreement:
        if stored.text_hash not in self._texts:
            self._texts[stored.text_hash] = read_back(stored.text)
        return self._texts[stored.text_hash]
