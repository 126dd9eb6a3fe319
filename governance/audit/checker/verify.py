"""The independent checker: reads a log as it is stored and says whether it still is what was signed.

It shares no code with the writer: own hashing, own reading of entries and notes, own SQL. What it checks, in order:

1. Signings: the chain has no gap and is signed by a trusted key; each record stands for one checkpoint, and none is
   missing.
2. Rows: indexes run from 0 without a gap or a stranger; each entry hashes to its ``leaf_hash``, says its own index, and
   agrees with every search column.
3. Tiles: every full tile is there, with the hashes and the root the entries give, and there is none too many.
4. Signed heads: each has the root the entries give at its size; so do the heads that were entered into the log itself.
   Between the last that holds and the first that does not lies the first bad entry.
5. Beside the log: what entries hold sealed opens under the vault's keys, and no key is gone without a record of it.
   Rows of feeds and agreements are those that entries wrote; alerts, and acts on them, those that entries tell of.
6. Head: there is one; it counts the rows there are, and its growing edge is theirs.
7. Kept notes: a checkpoint kept elsewhere, in the service's own file too, must be of a size the log has reached, with
   the root the log had there, and in the chain. Only this catches a store that was rolled back as a whole.

What it cannot see: entries after the newest checkpoint that were rewritten together with everything derived from them.
``Report.signed_size`` says how far signatures reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from governance.audit.checker._check import Check
from governance.audit.checker._notes import SignatureCheck, TrustedKey, read_key
from governance.audit.checker._readers import Reader, SqliteReader, open_reader
from governance.audit.checker._report import Finding, Report
from governance.audit.checker._vault import Opens

__all__ = [
    "Finding",
    "Opens",
    "Reader",
    "Report",
    "SqliteReader",
    "TrustedKey",
    "open_reader",
    "read_key",
    "verification",
    "verify",
]

Progress = Callable[[int, int], None]


def verify(
    reader: Reader,
    keys: Sequence[TrustedKey],
    signature_holds: SignatureCheck,
    *,
    expected_checkpoints: Sequence[str] = (),
    opens: Opens | None = None,
    rows_key: bytes | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a whole log, as one snapshot of it.

    Args:
        reader: shows the log; the caller closes it.
        keys: whose checkpoints are believed; more than one after a change of keys.
        signature_holds: says whether an Ed25519 signature holds (public key, signature, message).
        expected_checkpoints: notes that somebody else, or the service outside its database, kept.
        opens: opens envelopes of the vault; None when the key-encryption key is not at hand.
        rows_key: of the digests of rows, derived from that key; None as above.
        progress: gets rows done and rows in all, every few thousand rows.

    Raises:
        ValueError: no key was given: without one nothing can be confirmed.
    """
    check = Check(reader, keys, signature_holds, opens, rows_key)
    total = reader.count()
    for done in check.steps(expected_checkpoints):
        if progress is not None:
            progress(done, total)
    return check.report()


def verification(
    reader: Reader,
    keys: Sequence[TrustedKey],
    signature_holds: SignatureCheck,
    *,
    expected_checkpoints: Sequence[str] = (),
    opens: Opens | None = None,
    rows_key: bytes | None = None,
) -> Iterator[int | Report]:
    """Check a log that goes on growing, a page of entries a step, each in a snapshot of its own.

    It gives how many entries are done after each step, and the report at the end. It checks the log as far as it
    reached at the first step; arguments and error are those of :func:`verify`.
    """
    check = Check(reader, keys, signature_holds, opens, rows_key, growing=True)
    for done in check.steps(expected_checkpoints):
        yield done
        reader.renew()
    yield check.report()
