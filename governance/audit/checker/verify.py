"""The independent checker: reads a log as it is stored and says whether it still is what was signed.

It shares no code with the writer: own hashing, own reading of entries and notes, own SQL. What it checks, in order:

1. Rows: indexes run from 0 without a gap or a stranger; each entry hashes to its ``leaf_hash``, says its own index, and
   agrees with every search column.
2. Tiles: every full tile is there, with the hashes and the root the entries give, and there is none too many.
3. Checkpoints: each is signed by a trusted key, repeats what its row says, and has the root the entries give at its
   size.
4. Head: it counts the rows there are, and its growing edge is theirs.
5. Witness: a checkpoint kept elsewhere must be of a size the log has reached, with the root the log had there. Only
   this catches a store that was rolled back as a whole.

What it cannot see: entries after the newest checkpoint that were rewritten together with everything derived from them.
``Report.signed_size`` says how far signatures reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from governance.audit.checker._notes import Claim, SignatureCheck, TrustedKey, read_key, verified_claim
from governance.audit.checker._readers import PostgresReader, Reader, Row, SqliteReader, open_reader
from governance.audit.checker._rows import check_row
from governance.audit.checker._tree import HASH, WIDTH, TileTree

__all__ = [
    "Finding",
    "PostgresReader",
    "Reader",
    "Report",
    "SqliteReader",
    "TrustedKey",
    "open_reader",
    "read_key",
    "verify",
]

MAXIMUM_FINDINGS = 100
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. ``index`` is where it begins; ``last`` ends the range when no single entry can be named."""

    index: int | None
    sentence: str
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What the check found.

    ``size`` and ``root`` are those of the entries read (``root`` None when they make no tree); ``signed_size`` is the
    size of the largest checkpoint confirmed; ``total`` counts all findings, of which the first hundred are kept.
    """

    size: int
    root: bytes | None
    signed_size: int
    checkpoints: int
    total: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return self.total == 0

    @property
    def first_bad_index(self) -> int | None:
        """Give the first entry shown to be bad; the start of the first suspect range when none can be named alone."""
        exact = [found.index for found in self.findings if found.index is not None and found.last is None]
        ranges = [found.index for found in self.findings if found.index is not None]
        return min(exact or ranges, default=None)

    def lines(self) -> list[str]:
        """Give the report in plain English, a line each."""
        root = self.root.hex() if self.root is not None else "none"
        lines = [
            f"entries: {self.size}",
            f"root: {root}",
            f"checkpoints confirmed: {self.checkpoints}, up to entry {self.signed_size - 1}"
            if self.signed_size
            else f"checkpoints confirmed: {self.checkpoints}",
        ]
        lines += [found.sentence for found in self.findings]
        if self.total > len(self.findings):
            lines.append(f"and {self.total - len(self.findings)} more")
        if self.ok:
            return [*lines, "The log is whole."]
        named = f" First bad entry: {self.first_bad_index}." if self.first_bad_index is not None else ""
        return [*lines, f"The log is NOT whole.{named}"]


def verify(
    reader: Reader,
    keys: Sequence[TrustedKey],
    signature_holds: SignatureCheck,
    *,
    expected_checkpoint: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a whole log.

    Args:
        reader: shows the log; the caller closes it.
        keys: whose checkpoints are believed; more than one after a change of keys.
        signature_holds: says whether an Ed25519 signature holds (public key, signature, message).
        expected_checkpoint: a checkpoint note that a witness kept.
        progress: gets rows done and rows in all, every few thousand rows.

    Raises:
        ValueError: no key was given: without one nothing can be confirmed.
    """
    if not keys:
        raise ValueError("a log can only be checked with a trusted key")
    check = _Check(reader, keys, signature_holds)
    check.claims(expected_checkpoint)
    check.rows(progress)
    check.leftover_tiles()
    check.leftover_claims()
    check.head()
    return check.report()


class _Check:
    """One run over one log. Methods are called in the order of :func:`verify`."""

    def __init__(self, reader: Reader, keys: Sequence[TrustedKey], signature_holds: SignatureCheck) -> None:
        self._reader = reader
        self._keys = keys
        self._holds = signature_holds
        self._tree = TileTree()
        self._whole = True  # the rows so far follow each other: they make a tree
        self._read = 0
        self._findings: list[Finding] = []
        self._total = 0
        self._pending: list[tuple[Claim, str]] = []
        self._confirmed: list[int] = []
        self._refuted = False
        self._tiles = _Peekable(reader.tiles())
        self._upper: list[tuple[int, int, list[bytes]]] = []

    def claims(self, expected: str | None) -> None:
        """Verify the signatures of all checkpoints and line their claims up by size."""
        for size, root, note in self._reader.checkpoints():
            claim = self._claim(note, f"The checkpoint stored for size {size} cannot be trusted")
            if claim is not None and (claim.size, claim.root) != (size, root):
                self._find(None, f"The checkpoint stored for size {size} says something else than its row.")
            elif claim is not None:
                self._pending.append((claim, "a signed checkpoint"))
        if expected is not None:
            claim = self._claim(expected, "The witness's checkpoint cannot be trusted")
            if claim is not None:
                self._pending.append((claim, "the witness's checkpoint"))
        self._pending.sort(key=lambda pending: pending[0].size, reverse=True)
        self._settle()

    def _claim(self, note: str, otherwise: str) -> Claim | None:
        try:
            return verified_claim(note, self._keys, self._holds)
        except ValueError as fault:
            self._find(None, f"{otherwise}: {fault}.")
            return None

    def rows(self, progress: Progress | None) -> None:
        """Read every row, grow the tree, and compare tiles and checkpoints on the way."""
        total = self._reader.count()
        expected = 0
        for block in self._reader.entries():
            for row in block:
                if row[0] != expected:
                    self._gap(expected, row[0])
                expected = row[0] + 1
                self._row(row)
            self._read += len(block)
            if progress is not None:
                progress(self._read, total)

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
            kept = [joined[at * HASH : (at + 1) * HASH] for at in range(WIDTH)]
            place = next((at for at in range(WIDTH) if kept[at] != hashes[at]), 0)
            first = start + place * span
            last = None if span == 1 else first + span - 1
            self._find(first, f"{name} remembers another hash for what is now at entry {first}.", last)
        elif root != self._tree.full[level][number]:
            self._find(None, f"The root kept beside {name.lower()} is not its root.")

    def leftover_tiles(self) -> None:
        """Compare the tiles above level 0, and find those that no entries make."""
        if not self._whole:
            return
        for level, number, hashes in sorted(self._upper, key=lambda tile: tile[:2]):
            self._tile(level, number, hashes)
        for level, number, *_ in self._tiles.rest():
            self._find(self._tree.size, f"Tile {number} of level {level} is of entries that the log does not have.")

    def _settle(self) -> None:
        """Compare the claims about the size just reached with the tree."""
        root = self._tree.root()
        while self._pending and self._pending[-1][0].size == self._tree.size:
            claim, whose = self._pending.pop()
            if claim.root == root:
                self._confirmed.append(claim.size)
            elif not self._refuted:
                self._refuted = True
                good = max(self._confirmed, default=0)
                self._find(
                    good,
                    f"The entries are not those that {whose} of size {claim.size} was signed over: "
                    f"something between entries {good} and {claim.size - 1} was rewritten.",
                    claim.size - 1,
                )

    def leftover_claims(self) -> None:
        """Find claims about sizes that the log does not reach."""
        if not self._whole:
            return
        for claim, whose in reversed(self._pending):
            self._find(
                self._tree.size,
                f"There was {whose} of size {claim.size}, but the log ends before entry {self._tree.size}: "
                "its tail was cut off or it was rolled back.",
            )

    def head(self) -> None:
        """Compare the head row with the rows."""
        stored = self._reader.head()
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

    def report(self) -> Report:
        """Give what was found."""
        return Report(
            size=self._read,
            root=self._tree.root() if self._whole else None,
            signed_size=max(self._confirmed, default=0),
            checkpoints=len(self._confirmed),
            total=self._total,
            findings=tuple(self._findings),
        )

    def _find(self, index: int | None, sentence: str, last: int | None = None) -> None:
        self._total += 1
        if len(self._findings) < MAXIMUM_FINDINGS:
            self._findings.append(Finding(index, sentence, last))


class _Peekable:
    """Tiles in order of level and number, taken one by one when their turn comes."""

    def __init__(self, tiles: Iterator[Row]) -> None:
        self._rest = tiles
        self._next = next(tiles, None)
        self._strangers: list[Row] = []

    def take_if(self, key: tuple[int, int]) -> Row | None:
        """Give the tile with this key if it is the next one."""
        while self._next is not None and not _reaches(self._next, key):
            self._strangers.append(self._next)
            self._next = next(self._rest, None)
        found = self._next
        if found is None or (found[0], found[1]) != key:
            return None
        self._next = next(self._rest, None)
        return found

    def rest(self) -> Iterator[Row]:
        """Give what was not taken."""
        yield from self._strangers
        if self._next is not None:
            yield self._next
        yield from self._rest


def _reaches(tile: Row, key: tuple[int, int]) -> bool:
    """Tell whether a tile may still be the one with this key or come after it."""
    return isinstance(tile[0], int) and isinstance(tile[1], int) and (tile[0], tile[1]) >= key
