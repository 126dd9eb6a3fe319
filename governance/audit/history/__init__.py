"""History: what shows that the log is still what it was. Every checkpoint ever signed is chained to the one before.

Rules of this room:

1. Beside each checkpoint stands a record: its number, origin, size, root, the hash of the note, the hash of the record
   before, and the time. Each is signed by the log's key under a domain of its own: no record passes for a note, no note
   for a record.
2. The chain begins with size 0, before the first entry. A log from before there was a chain is taken up once, at the
   size of its newest checkpoint, if it extends that.
3. Nothing is signed that does not extend what was last signed, and that is known from four places: the tree, the table
   of records, this process's memory, and a file outside the database. A chain that lacks what any of them knows is cut.
4. There is one record a size, and never two roots for one size.
5. After a restore the log goes on under another origin (``fence.py``): the old one is closed where it was last known.
6. On PostgreSQL the service's role adds to the log and reads it; its owner migrates (``_roles_store.py``).
7. The whole log is checked again and again, at a bounded pace; ``progress.py`` keeps how far that is.
8. Entries tell of the rows of feeds and of agreements they wrote, by digests (``_written_store.py``): the tables are
   held to the log.
9. A key of the vault is destroyed together with an entry that names its owner as ``erased``, at the same instant
   (``governance/erasure``): one that is gone otherwise is a fault.

Example: ``held = signings.sign(session, signings.known())``, then ``signings.remember(held)`` once it is committed.
"""

from governance.audit.history._roles_store import grant, may_rewrite
from governance.audit.history._written_store import WrittenRows, watched
from governance.audit.history.chain import Held, Known, Signings
from governance.audit.history.fence import Fence
from governance.audit.history.kept import KeptNote
from governance.audit.history.record import SigningRecord

__all__ = [
    "Fence",
    "Held",
    "KeptNote",
    "Known",
    "SigningRecord",
    "Signings",
    "WrittenRows",
    "grant",
    "may_rewrite",
    "watched",
]
