"""One run of the checker over one log, step by step: a page of entries is one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from governance.audit.checker._alerts import AlertCheck
from governance.audit.checker._fences import ClosedOrigin, closed_origins
from governance.audit.checker._notes import Claim, SignatureCheck, TrustedKey, verified_claim
from governance.audit.checker._readers import Reader, Row
from governance.audit.checker._report import ENTRY, SIGNED_HEAD, SIGNINGS, Finding, Report
from governance.audit.checker._rows import UNREADABLE, check_row, own_documents
from governance.audit.checker._signings import NOT_YET_SIGNED, Chain, entered_claims, remarks
from governance.audit.checker._tiles import StoredTiles
from governance.audit.checker._tree import HASH, WIDTH, TileTree
from governance.audit.checker._vault import Opens, VaultCheck
from governance.audit.checker._written import WrittenCheck

MAXIMUM_FINDINGS = 100
_Pending = tuple[Claim, str, int | None]  # a claim, whose it is, and the entry that makes it where one does


class Check:
    """One run over one log.

    Args:
        reader: shows the log.
        keys: whose signatures count; ValueError without any.
        signature_holds: says whether an Ed25519 signature holds.
        opens: opens envelopes of the vault.
        rows_key: of the digests of rows.
        growing: the log grows between steps: check as far as the head reached at the first.
    """

    def __init__(
        self,
        reader: Reader,
        keys: Sequence[TrustedKey],
        signature_holds: SignatureCheck,
        opens: Opens | None,
        rows_key: bytes | None,
        *,
        growing: bool = False,
    ) -> None:
        if not keys:
            raise ValueError("a log can only be checked with a trusted key")
        self._reader = reader
        self._keys = keys
        self._holds = signature_holds
        heads = reader.heads()
        self._head, self._more_heads = next(iter(heads), None), len(heads) > 1
        self._limit = self._head[0] if growing and self._head is not None and isinstance(self._head[0], int) else None
        self._tree = TileTree()
        self._whole = True  # the rows so far follow each other: they make a tree
        self._read = 0
        self._findings: list[Finding] = []
        self._kinds: set[str] = set()
        self._total = 0
        self._remarks: list[str] = []
        self._pending: list[_Pending] = []
        self._confirmed: list[int] = []
        self._refuted = False
        self._tiles = StoredTiles(reader, self._limit)
        self._upper: list[tuple[int, int, list[bytes]]] = []
        self._vault = VaultCheck(reader.keys_of, opens)
        self._written = WrittenCheck(rows_key)
        self._alerts = AlertCheck()

    def steps(self, expected: Sequence[str]) -> Iterator[int]:
        """Check everything; gives how many entries are done after each page of them."""
        self._claims(expected)
        expected_index, after = 0, None
        while page := self._page(after):
            for row in page:
                if row[0] != expected_index:
                    self._gap(expected_index, row[0])
                expected_index = row[0] + 1
                self._row(row)
            after = page[-1][0]
            self._read += len(page)
            self._take(self._vault.block())
            yield self._read
        self._later(after)
        self._take(self._vault.end())
        self._take(self._written.end(self._reader.rows, self._documents))
        self._remarks += self._written.remarks()
        self._take(self._alerts.end(self._reader.rows))
        self._leftover_tiles()
        self._leftover_claims()
        self._check_head()

    def report(self) -> Report:
        """Give what was found."""
        return Report(
            size=self._read,
            root=self._tree.root() if self._whole else None,
            signed_size=max(self._confirmed, default=0),
            checkpoints=len(self._confirmed),
            total=self._total,
            findings=tuple(self._findings),
            kinds=frozenset(self._kinds),
            remarks=tuple(self._remarks),
        )

    def _page(self, after: int | None) -> list[Row]:
        page = self._reader.entries(after)
        return page if self._limit is None else [row for row in page if row[0] < self._limit]

    def _later(self, after: int | None) -> None:
        """Take note of what was written beside the log while it grew: that is read as it is now, not at the start."""
        while self._limit is not None and (page := self._reader.entries(after)):
            for row in page:
                document = check_row(row).document
                if document is not None:
                    with suppress(*UNREADABLE):  # found by the check that begins after it
                        self._vault.add_erasure(document)
                        self._written.add(document)
                        self._alerts.add(row[0], document)
            after = page[-1][0]

    def _documents(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Give the service's entries that may tell of rows once more; an unreadable one was found already."""
        after: int | None = None
        while page := self._reader.configured(after):
            yield from own_documents(page)
            after = page[-1][0]

    def _claims(self, expected: Sequence[str]) -> None:
        """Read the chain of signings, the checkpoints and the kept notes, and line their claims up by size.

        A log that never had an entry or a signing is a new one, unless somebody kept a note of it.
        """
        chain = Chain(self._reader.signings(), self._reader.checkpoints(), self._keys, self._holds)
        rows = (row for row in self._reader.entered() if self._limit is None or row[0] < self._limit)
        entered = list(own_documents(rows))
        closed, findings = closed_origins(entered, chain.records)
        fresh = not (chain.begun or expected or self._reader.count() or (self._head and self._head[0]))
        self._take([*(() if fresh else chain.findings), *findings])
        self._remarks += [NOT_YET_SIGNED] if fresh else remarks(chain)
        self._remarks += [one.loss() for one in closed]
        self._pending += [(claim, whose, None) for claim, whose in chain.claims]
        for note in expected:
            self._kept(note, chain, closed)
        self._pending += entered_claims(entered)
        self._pending.sort(key=lambda pending: (pending[0].size, pending[2] is not None), reverse=True)
        self._settle()

    def _kept(self, note: str, chain: Chain, closed: Sequence[ClosedOrigin]) -> None:
        """Take in a note that was kept outside the database; it may be of an origin that was closed since."""
        keys = [TrustedKey(one.origin, key.public_key) for one in closed for key in self._keys]
        try:
            claim = verified_claim(note, [*self._keys, *keys], self._holds)
        except ValueError as fault:
            self._find(None, f"The kept note cannot be trusted: {fault}.", kind=SIGNINGS)
            return
        excuse = next((one for one in closed if one.excuses(claim)), None)
        if excuse is not None:
            self._remarks.append(f"The kept note of size {claim.size} is of entries that were lost at that restore.")
            return
        self._pending.append((claim, "the kept note", None))
        if claim.size >= chain.begins_at and not chain.has_note(note):
            self._find(None, f"The kept note of size {claim.size} has no signing.", kind=SIGNINGS)

    def _gap(self, expected: int, found: int) -> None:
        self._whole = False
        if found < expected:
            self._find(found, f"Entry {found} has no place in the log.")
        elif found == expected + 1:
            self._find(expected, f"Entry {expected} is missing.")
        else:
            self._find(expected, f"Entries {expected} to {found - 1} are missing.")

    def _row(self, row: Row) -> None:
        verdict = check_row(row)
        if verdict.entry_fault is not None:
            self._find(row[0], f"Entry {row[0]} was altered: {verdict.entry_fault}.")
        if verdict.column_fault is not None:
            self._find(row[0], f"Entry {row[0]} was altered: {verdict.column_fault}.")
        if verdict.document is not None:
            try:
                self._vault.add(row[0], verdict.document)
                self._written.add(verdict.document)
                self._alerts.add(row[0], verdict.document)
            except UNREADABLE:
                self._find(row[0], f"Entry {row[0]} was altered: what it says of keys, rows or alerts is not readable.")
        if self._whole:
            for level, number, hashes in self._tree.add(verdict.leaf):
                if level == 0:
                    self._tile(level, number, hashes)
                else:
                    self._upper.append((level, number, hashes))
            if self._pending and self._pending[-1][0].size == self._tree.size:
                self._settle()

    def _tile(self, level: int, number: int, hashes: list[bytes]) -> None:
        """Compare a tile that the entries make with the stored one."""
        name = f"Tile {number} of level {level}"
        start, span = number * WIDTH ** (level + 1), WIDTH**level
        stored = self._tiles.take_if((level, number))
        if stored is None:
            self._find(None, f"{name} is missing.")
            return
        _, _, root, joined = stored
        if joined != b"".join(hashes):
            kept = [joined[at * HASH : (at + 1) * HASH] for at in range(WIDTH)] if isinstance(joined, bytes) else []
            place = next((at for at, hashed in enumerate(kept) if hashed != hashes[at]), 0)
            first = start + place * span
            last = None if span == 1 else first + span - 1
            self._find(first, f"{name} remembers another hash for what is now at entry {first}.", last)
        elif root != self._tree.full[level][number]:
            self._find(None, f"The root kept beside {name.lower()} is not its root.")

    def _leftover_tiles(self) -> None:
        """Compare the tiles above level 0, and find those that no entries make."""
        if not self._whole:
            return
        for level, number, hashes in sorted(self._upper, key=lambda tile: tile[:2]):
            self._tile(level, number, hashes)
        for level, number, *_ in self._tiles.rest():
            self._find(self._tree.size, f"Tile {number} of level {level} is of entries that the log does not have.")

    def _settle(self) -> None:
        """Compare the claims about the size just reached with the tree; the signed ones come first."""
        root = self._tree.root()
        signed = False
        while self._pending and self._pending[-1][0].size == self._tree.size:
            claim, whose, entry = self._pending.pop()
            if claim.root == root:
                signed = signed or entry is None
                if entry is None:
                    self._confirmed.append(claim.size)
            elif entry is not None and signed:
                self._find(entry, f"Entry {entry} was altered: it tells of another root than was signed.")
            elif not self._refuted:
                self._refute(claim, whose, claim.size - 1 if entry is None else entry)

    def _refute(self, claim: Claim, whose: str, last: int) -> None:
        self._refuted = True
        good = max(self._confirmed, default=0)
        self._find(
            good,
            f"The entries are not those that {whose} of size {claim.size} was signed over: "
            f"something between entries {good} and {last} was rewritten.",
            last,
            kind=SIGNED_HEAD,
        )

    def _leftover_claims(self) -> None:
        """Find claims about sizes that the log does not reach."""
        if not self._whole:
            return
        for claim, whose, _ in reversed(self._pending):
            self._find(
                self._tree.size,
                f"There was {whose} of size {claim.size}, but the log ends before entry {self._tree.size}: "
                "its tail was cut off or it was rolled back.",
                kind=SIGNED_HEAD,
            )

    def _check_head(self) -> None:
        """Compare the head row with the rows; there is one."""
        if self._more_heads:
            self._find(None, "The log has more than one head.")
        stored = self._head
        size, frontier = stored if stored is not None else (0, b"")
        if stored is None and self._read:
            self._find(None, "The head of the log is missing.")
        elif not isinstance(size, int) or not isinstance(frontier, bytes):
            self._find(None, "The head of the log is not readable.")
        elif not self._whole:
            return
        elif size > self._tree.size:
            self._find(self._tree.size, f"Entries {self._tree.size} to {size - 1} are missing: the head counts them.")
        elif size < self._tree.size:
            self._find(size, f"Entries from {size} on were not put there by the log: the head does not count them.")
        elif frontier != b"".join(self._tree.frontier()):
            self._frontier(frontier)

    def _frontier(self, stored: bytes) -> None:
        """Name the part of the tree whose hash the head remembers differently."""
        start = 0
        for place, part in enumerate(self._tree.frontier()):
            length = 1 << ((self._tree.size - start).bit_length() - 1)
            if stored[place * HASH : (place + 1) * HASH] != part:
                sentence = f"The head remembers another hash for entries {start} to {start + length - 1}."
                self._find(start, sentence, start + length - 1)
                return
            start += length
        self._find(None, "The head of the log remembers more than the log holds.")

    def _take(self, findings: Iterable[Finding]) -> None:
        for found in findings:
            self._total += 1
            self._kinds.add(found.kind)
            if len(self._findings) < MAXIMUM_FINDINGS:
                self._findings.append(found)

    def _find(self, index: int | None, sentence: str, last: int | None = None, *, kind: str = ENTRY) -> None:
        self._take([Finding(index, sentence, last, kind)])
