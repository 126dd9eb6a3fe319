"""The vault's rows that entries point to: every envelope in an entry names its owner, whose data key opens it.

1. An owner's key is there, or was destroyed; a destroyed one is on record: an entry of this service says
   ``erased`` of the owner, and has the time that the vault has.
2. With the means to open envelopes, each must open under its owner's key: a key that was replaced, or put back after
   the owner came again, opens none of the old ones. What is inside is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from governance.audit.checker._report import BESIDE, Finding
from governance.audit.checker._rows import is_own, microseconds

Opens = Callable[[str, bytes, str], bool]
"""Takes owner, wrapped key and envelope; says whether the key opens the envelope."""
KeysOf = Callable[[Sequence[str]], Mapping[str, tuple[object, object]]]
"""Gives the wrapped keys of those of the owners that are on file, None for a destroyed one, and when it was."""


class VaultCheck:
    """Checks the envelopes of entries against the vault, a block of entries at a time.

    Args:
        keys_of: reads the vault.
        opens: opens envelopes; None when the key-encryption key is not at hand.
    """

    def __init__(self, keys_of: KeysOf, opens: Opens | None) -> None:
        self._keys_of = keys_of
        self._opens = opens
        self._block: list[tuple[int, str, str]] = []
        self._gone: dict[
            str, tuple[int, object]
        ] = {}  # owners without a key: the first entry that names each, since when
        self._destroyed: set[tuple[str, object]] = set()

    def add(self, index: int, document: Mapping[str, Any]) -> None:
        """Take note of what one entry points to."""
        for sealed in document.get("sealed", ()):
            self._block.append((index, str(sealed["owner"]), str(sealed["envelope"])))
        self.add_erasure(document)

    def add_erasure(self, document: Mapping[str, Any]) -> None:
        """Take note of the key that an entry says was destroyed, if it does."""
        detail = document.get("detail")
        if is_own(document) and isinstance(detail, dict) and "erased" in detail:
            self._destroyed.add((str(detail["erased"]), microseconds(document["time"])))

    def block(self) -> Iterator[Finding]:
        """Check what the entries since the last call point to."""
        items, self._block = self._block, []
        keys = self._keys_of(sorted({owner for _, owner, _ in items}))
        for index, owner, envelope in items:
            wrapped, since = keys.get(owner, (None, None))
            if wrapped is None:
                self._gone.setdefault(owner, (index, since))
            elif since is not None or not self._does_open(owner, wrapped, envelope):
                sentence = f"The vault's key of {owner} does not open what entry {index} holds under it."
                yield Finding(index, sentence, kind=BESIDE)

    def end(self) -> Iterator[Finding]:
        """Find the keys that are gone without a record of it."""
        for owner, (index, since) in sorted(self._gone.items(), key=lambda gone: gone[1][0]):
            if (owner, since) not in self._destroyed:
                sentence = f"The vault's key of {owner}, which entry {index} needs, is gone and no entry says why."
                yield Finding(index, sentence, kind=BESIDE)

    def _does_open(self, owner: str, wrapped: object, envelope: str) -> bool:
        return isinstance(wrapped, bytes) and (self._opens is None or self._opens(owner, wrapped, envelope))
