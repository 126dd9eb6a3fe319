"""The checker's own reading of the chain of signings, written apart from the signer's.

1. A record's bytes begin with a NUL and the domain, then a line a field. Each record names the hash of the one before,
   over its bytes and its signature; so one good signature vouches for every record behind it that is linked.
2. Records run from 0 without a gap, and their sizes rise. Each stands for one checkpoint: its note, root and time.
3. A chain that does not begin at size 0 belongs to a log from before there was a chain: what was signed before rests
   on the checkpoints' own signatures.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from governance.audit.checker._notes import Claim, SignatureCheck, TrustedKey, verified_claim
from governance.audit.checker._readers import Row
from governance.audit.checker._report import SIGNINGS, Finding
from governance.audit.checker._rows import UNREADABLE

_DOMAIN = b"\x00imaging-governance log signing v1\n"
_FIRST = bytes(32)
NOT_YET_SIGNED = "The log is empty and not yet signed."


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read: nothing of it is believed before a signature vouches for it."""

    number: int
    origin: str
    size: int
    root: bytes
    note_hash: bytes
    previous: bytes
    signed_at: int
    signature: bytes

    @property
    def message(self) -> bytes:
        """Give the bytes that were signed."""
        lines = [str(self.number), self.origin, str(self.size)]
        lines += [base64.b64encode(value).decode() for value in (self.root, self.note_hash, self.previous)]
        return _DOMAIN + "\n".join([*lines, str(self.signed_at), ""]).encode()

    @property
    def digest(self) -> bytes:
        """Give the hash that the next record names."""
        return sha256(self.message + self.signature).digest()


class Chain:
    """The chain of one log beside its checkpoints: what it claims, and what is wrong with it.

    Args:
        signings: the rows of the chain, by number.
        checkpoints: the rows of the checkpoints, by size: size, root, note, time.
        keys: whose signatures count.
        holds: says whether an Ed25519 signature holds.
    """

    def __init__(
        self, signings: Iterable[Row], checkpoints: Sequence[Row], keys: Sequence[TrustedKey], holds: SignatureCheck
    ) -> None:
        self._keys, self._holds = keys, holds
        self.findings: list[Finding] = []
        self.claims: list[tuple[Claim, str]] = []
        self.records = self._read(signings)
        self.begun = bool(self.records or self.findings or checkpoints)  # something was ever signed
        self._check_links()
        self._check_checkpoints(checkpoints)

    @property
    def begins_at(self) -> int:
        """Give the size that the chain begins with."""
        return self.records[0].size if self.records else 0

    def has_note(self, note: str) -> bool:
        """Say whether a note was signed by one of the records."""
        hashed = sha256(note.encode()).digest()
        return any(record.note_hash == hashed for record in reversed(self.records))

    def _read(self, rows: Iterable[Row]) -> list[Record]:
        records = []
        for row in rows:
            whole = all(isinstance(row[at], int) for at in (0, 2, 6)) and isinstance(row[1], str)
            if whole and all(isinstance(row[at], bytes) for at in (3, 4, 5, 7)):
                records.append(Record(*row))
            else:
                self._find(f"Signing {row[0]} is not readable.")
        return records

    def _check_links(self) -> None:
        """Walk the chain from its newest record back: the next one's word, or a signature of its own, vouches."""
        if not self.records:
            self._find("The log has no signing: the chain of signings is gone.")
            return
        trusted: list[Record] = []
        wanted: Record | None = None  # the record after this one, when it is believed
        for record in reversed(self.records):
            linked = wanted is not None and wanted.previous == record.digest and wanted.number == record.number + 1
            if not linked and not self._signed(record):
                self._find(f"Signing {record.number} of size {record.size} is not signed by a trusted key.")
                wanted = None
                continue
            if wanted is not None and not linked:
                self._find(_broken(record, wanted))
            trusted.append(record)
            wanted = record
        self._check_ends(trusted)
        self.records = trusted[::-1]
        self.claims += [(Claim(record.size, record.root), "a signed checkpoint") for record in self.records]

    def _check_ends(self, trusted: Sequence[Record]) -> None:
        first = self.records[0]
        if first.number != 0:
            self._find(
                "Signing 0 is missing." if first.number == 1 else f"Signings 0 to {first.number - 1} are missing."
            )
        elif first.previous != _FIRST:
            self._find("Signing 0 names one before it.")
        if trusted and trusted[0].origin not in {key.name for key in self._keys}:
            self._find(f"The newest signing is of another log: {trusted[0].origin}.")
        if any(later.size <= earlier.size for later, earlier in pairwise(trusted)):
            self._find("The sizes of the signings do not rise.")

    def _signed(self, record: Record) -> bool:
        return any(self._holds(key.public_key, record.signature, record.message) for key in self._keys)

    def _check_checkpoints(self, rows: Sequence[Row]) -> None:
        by_size = {record.size: record for record in self.records}
        seen = set()
        if not rows:
            self._find("The log has no checkpoint.")
        for size, root, note, signed_at in rows:
            record = by_size.get(size)
            seen.add(size)
            if record is not None and _stands_for(record, root, note, signed_at):
                continue
            self._checkpoint_alone(size, root, note, record)
        for record in self.records:
            if record.size not in seen:
                self._find(f"The checkpoint of signing {record.number}, of size {record.size}, is missing.")

    def _checkpoint_alone(self, size: int, root: bytes, note: str, record: Record | None) -> None:
        """Judge a checkpoint that no record stands for: it is older than the chain, or something is wrong."""
        try:
            claim = verified_claim(note, self._keys, self._holds)
        except ValueError as fault:
            self._find(f"The checkpoint stored for size {size} cannot be trusted: {fault}.")
            return
        if (claim.size, claim.root) != (size, root):
            self._find(f"The checkpoint stored for size {size} says something else than its row.")
            return
        self.claims.append((claim, "a signed checkpoint"))
        if record is not None:
            self._find(f"The checkpoint stored for size {size} is not the one that was signed then.")
        elif size >= self.begins_at:
            self._find(f"The checkpoint stored for size {size} has no signing.")

    def _find(self, sentence: str) -> None:
        self.findings.append(Finding(None, sentence, kind=SIGNINGS))


def remarks(chain: Chain) -> Iterator[str]:
    """Say what is no fault but worth knowing."""
    if chain.begins_at:
        yield f"The chain of signings begins at size {chain.begins_at}: the log is older than it."


def entered_claims(entered: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[tuple[Claim, str, int]]:
    """Give the signed heads that were entered into the log itself, each with its entry, from the service's entries."""
    for index, document in entered:
        try:
            detail = document["detail"]
            claim = Claim(int(detail["size"]), bytes.fromhex(detail["root"]))
            signed = "signing" in detail
        except UNREADABLE:
            continue  # it is no such entry; an altered one is found as every entry is
        if signed and claim.size <= index:
            yield claim, f"the signing that entry {index} tells of", index


def _stands_for(record: Record, root: bytes, note: object, signed_at: object) -> bool:
    if not isinstance(note, str) or (record.root, record.signed_at) != (root, signed_at):
        return False
    return sha256(note.encode()).digest() == record.note_hash


def _broken(earlier: Record, later: Record) -> str:
    missing = later.number - earlier.number - 1
    if missing == 1:
        return f"Signing {earlier.number + 1} is missing."
    if missing > 1:
        return f"Signings {earlier.number + 1} to {later.number - 1} are missing."
    return f"Signing {later.number} does not follow signing {earlier.number} as it stands."
