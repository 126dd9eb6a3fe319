"""Offline evidence that one event is in the log: an inclusion proof with its checkpoint, C2SP tlog-proof@v1.

1. A proof holds for the tree of the checkpoint it carries, never for the newest tree.
2. The text is for archives and courts, the fields are for programs; both say the same.
3. To check one: verify the checkpoint's signature, hash the entry bytes to a leaf, then ``merkle.verify_inclusion``.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from governance.audit import checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The proof of entry ``index`` in the tree of ``size`` leaves that the signed ``checkpoint`` note commits to."""

    index: int
    size: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        """Give the proof as a tlog-proof@v1 file (no extra data)."""
        hashes = "".join(f"{base64.b64encode(digest).decode()}\n" for digest in self.hashes)
        return f"{HEADER}\nindex {self.index}\n{hashes}\n{self.checkpoint}"


def parse(text: str) -> InclusionProof:
    """Read a tlog-proof@v1 file, extra data ignored; raises ValueError when it is not one. Nothing is verified here."""
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != HEADER:
        raise ValueError("not a tlog-proof@v1 file")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if index is None:
        raise ValueError("the proof has no index line")
    hashes = tuple(checkpoint.decode_hash(line) for line in lines[2:])
    return InclusionProof(int(index[1]), checkpoint.parse(note).checkpoint.size, hashes, note)
