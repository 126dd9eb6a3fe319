"""What a check found, in words and as an exit status."""

from __future__ import annotations

from dataclasses import dataclass

ENTRY, BESIDE, SIGNINGS, SIGNED_HEAD = "entry", "beside", "signings", "signed_head"
_STATUS = ((ENTRY, 1), (SIGNED_HEAD, 4), (SIGNINGS, 3), (BESIDE, 5))  # the first kind found decides


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. ``index`` is where it begins; ``last`` ends the range when no single entry can be named.

    ``kind`` says of what: an entry or what derives from it, a signed head that the log does not reach or extend, the
    chain of signings and its checkpoints, or a row beside the log that an entry points to.
    """

    index: int | None
    sentence: str
    last: int | None = None
    kind: str = ENTRY


@dataclass(frozen=True, slots=True)
class Report:
    """What the check found.

    ``size`` and ``root`` are those of the entries read (``root`` None when they make no tree); ``signed_size`` is the
    size of the largest checkpoint confirmed; ``total`` counts all findings, of which the first hundred are kept;
    ``kinds`` are those of all of them. ``remarks`` are sentences about what is no fault.
    """

    size: int
    root: bytes | None
    signed_size: int
    checkpoints: int
    total: int
    findings: tuple[Finding, ...]
    kinds: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return self.total == 0

    @property
    def status(self) -> int:
        """Give the exit status: 0 whole; 1 an entry is bad; 3 signings, 4 the signed head, 5 a row beside the log."""
        return next((status for kind, status in _STATUS if kind in self.kinds), 0)

    @property
    def first_bad_index(self) -> int | None:
        """Give the first entry shown to be bad; the start of the first suspect range when none can be named alone."""
        return self._first_bad()[0]

    @property
    def last_bad_index(self) -> int | None:
        """Give the end of the range that the first bad entry lies in; the entry itself when it is named alone."""
        return self._first_bad()[1]

    def _first_bad(self) -> tuple[int, int] | tuple[None, None]:
        """Give the first entry named alone, or the range of one before it; what is beside the log counts last."""
        for of_log in (True, False):
            found = [one for one in self.findings if one.index is not None and (one.kind != BESIDE) is of_log]
            named = [(one.index, one.index) for one in found if one.index is not None and one.last is None]
            ranges = [(one.index, one.last) for one in found if one.index is not None and one.last is not None]
            before = [one for one in ranges if not named or one[1] < min(named)[0]]
            if before or named:
                return min(before or named)
        return None, None

    def lines(self) -> list[str]:
        """Give the report in plain English, a line each."""
        root = self.root.hex() if self.root is not None else "none"
        lines = [
            f"entries: {self.size}",
            f"root: {root}",
            f"checkpoints confirmed: {self.checkpoints}, up to entry {self.signed_size - 1}"
            if self.signed_size
            else f"checkpoints confirmed: {self.checkpoints}",
            *self.remarks,
        ]
        lines += [found.sentence for found in self.findings]
        if self.total > len(self.findings):
            lines.append(f"and {self.total - len(self.findings)} more")
        if self.ok:
            return [*lines, "The log is whole."]
        return [*lines, f"The log is NOT whole.{self._named()}"]

    def _named(self) -> str:
        first, last = self.first_bad_index, self.last_bad_index
        if first is None:
            return ""
        return f" First bad entry: {first}." if first == last else f" First bad entry: between {first} and {last}."
