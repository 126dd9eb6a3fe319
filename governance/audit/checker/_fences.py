"""Fences: after a restore the log goes on under another origin; its first entry there cites where the old one ended.

1. The origin changes in the chain of signings only at a record whose last entry says so: it is this service's, and
   names both origins.
2. A checkpoint of a closed origin may be of entries that the restore lost, as far as the entry cites them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from governance.audit.checker._notes import Claim
from governance.audit.checker._report import SIGNINGS, Finding
from governance.audit.checker._rows import UNREADABLE
from governance.audit.checker._signings import Record


@dataclass(frozen=True, slots=True)
class ClosedOrigin:
    """An origin that entry ``index`` closes: the size and root it was last known with, and what the restore kept."""

    index: int
    origin: str
    size: int
    root: str
    restored: int
    opened: str

    def excuses(self, claim: Claim) -> bool:
        """Say whether a claim of this origin is of entries that the restore lost, as the entry cites them."""
        if claim.origin != self.origin or not self.restored < claim.size <= self.size:
            return False
        return claim.size < self.size or claim.root.hex() == self.root

    def loss(self) -> str:
        """Say which entries were lost, as far as they were known to the entry that closes the origin."""
        where = f"of the origin {self.origin}"
        when = f"lost at the restore that entry {self.index} tells of"
        if self.size <= self.restored:
            return f"No entry {where} is known to be {when}."
        if self.size == self.restored + 1:
            return f"Entry {self.restored} {where} was {when}."
        return f"Entries {self.restored} to {self.size - 1} {where} were {when}."


def closed_origins(
    entered: Iterable[tuple[int, Mapping[str, Any]]], records: Sequence[Record]
) -> tuple[list[ClosedOrigin], list[Finding]]:
    """Give the origins that the chain leaves, with the service's entries that say so, and what is wrong about it."""
    said = {closed.index: closed for closed in _said(entered)}
    closed, findings = [], []
    for before, after in pairwise(records):
        if before.origin == after.origin:
            continue
        entry = said.get(after.size - 1)
        if entry is None or (entry.origin, entry.opened) != (before.origin, after.origin):
            sentence = f"Signing {after.number} is of another origin than the one before, and no entry says why."
            findings.append(Finding(None, sentence, kind=SIGNINGS))
        else:
            closed.append(entry)
    return closed, findings


def _said(entered: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[ClosedOrigin]:
    for index, document in entered:
        try:
            detail = document["detail"]
            closed = detail["closed"]
            head = (str(closed["origin"]), int(closed["size"]), str(closed["root"]))
            made = ClosedOrigin(index, *head, int(detail["restored"]["size"]), str(detail["opened"]))
        except UNREADABLE:
            continue  # an entry of another kind; an altered one is found as every entry is
        yield made
