"""A fence: after a restore the log goes on under another origin. Its first entry there says where the old one ended.

What was signed after the backup is lost, but others hold it. Were the log to go on under its name, there would be two
roots for one size. So the origin is closed at the last head that is known of it, and another one opened.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from governance.audit.checkpoint import Checkpoint
from governance.audit.event import JsonValue

HEAD = "imaging-governance restore fence v1"  # the first line of the statement


@dataclass(frozen=True, slots=True)
class Fence:
    """What is closed and what is opened.

    ``closed`` is the last known head of the old origin, ``restored`` the newest signed one that the restore brought
    back, ``begins`` the log as it is now, from which it goes on under the origin ``opens``.
    """

    closed: Checkpoint
    restored: Checkpoint
    begins: Checkpoint

    def text(self) -> str:
        """Give the statement that the two approve."""
        lines = (
            HEAD,
            f"closes {self.closed.origin}",
            f"last known head {_written(self.closed)}",
            f"restored up to {_written(self.restored)}",
            f"opens {self.begins.origin}",
            f"going on from {_written(self.begins)}",
        )
        return "".join(f"{line}\n" for line in lines)

    def detail(self, approved_by: Sequence[str]) -> dict[str, JsonValue]:
        """Give what the first entry under the new origin says."""
        return {
            "closed": {"origin": self.closed.origin, "size": self.closed.size, "root": self.closed.root.hex()},
            "restored": {"size": self.restored.size, "root": self.restored.root.hex()},
            "opened": self.begins.origin,
            "approved_by": sorted(approved_by),
        }


def _written(head: Checkpoint) -> str:
    return f"{head.size} {base64.b64encode(head.root).decode()}"
