"""The whole log, checked again and again by the independent checker, a page of entries at a time.

1. A step is one page in a snapshot of its own: neither the log's writers nor the database are kept waiting. The pace is
   a setting.
2. A pass checks the log as far as it reached when the pass began, and takes the next step up from there only in the
   process that leads. When another leads, it begins again: what was checked is not believed from the database.
3. What a pass finds is a critical alert and a word in readiness, until a pass finds nothing.
4. The last step of a pass goes through the registers' rows in one snapshot. The next pass waits ``RESTS`` times as
   long as the longest step took has gone by, so that what grows with the registers stays a small share of the work.
5. The first step of a pass reads every signing, about 1.3 KB each: a million signings are 1.3 GB for that step.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from governance.audit import AuditLog
from governance.audit.checker import Opens, Reader, Report, read_key, verification
from governance.audit.history import KeptNote
from governance.audit.history.progress import CheckProgress
from governance.audit.signer import ed25519_valid
from governance.clock import Clock

PAGE = 2_048  # entries of a step, as the checker reads them
BETWEEN = timedelta(minutes=5)  # from the beginning of one pass to that of the next, at least
RESTS = 30
_SAVED_EVERY = 8  # steps; how far it is need not be exact
SIGNAL = "log_check"
Found = Callable[[str, str], None]
Settled = Callable[[str], None]


class LogCheck:
    """Checks the log, a step a call.

    Args:
        log: keeps how far the check is, and names the key.
        open_reader: opens the log for the checker.
        opens: opens envelopes of the vault.
        rows_key: of the digests of rows.
        kept: the file outside the database.
        clock: dates a pass.
        report: takes what is wrong: a signal and a sentence.
        settle: hears after a whole pass without a fault that the signal's last fault is over.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        open_reader: Callable[[], Reader],
        opens: Opens,
        rows_key: bytes,
        kept: KeptNote | None,
        clock: Clock,
        report: Found,
        settle: Settled,
    ) -> None:
        self._log = log
        self._open_reader = open_reader
        self._opens = opens
        self._rows_key = rows_key
        self._kept = kept
        self._clock = clock
        self._report = report
        self._settle = settle
        self._reader: Reader | None = None
        self._steps: Iterator[int | Report] = iter(())
        self._taken = 0
        self._longest = 0.0  # seconds, of a step of the last pass
        self._now: CheckProgress | None = None

    def step(self) -> None:
        """Check one more page; at the end of a pass keep what it found. A step that fails begins the pass again."""
        if self._reader is None and not self._begin():
            return
        try:
            self._advance()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the pass up."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _begin(self) -> bool:
        before = self._now or self._log.check_progress()
        now = self._clock.now()
        if self._now is not None and now - self._now.began_at < max(BETWEEN, timedelta(seconds=RESTS * self._longest)):
            return False
        self._longest = 0.0
        note = self._kept.read() if self._kept is not None else None
        size, _ = self._log.tree_head()
        self._reader = self._open_reader()
        self._steps = verification(
            self._reader,
            [read_key(self._log.verifier_key())],
            ed25519_valid,
            expected_checkpoints=[] if note is None else [note],
            opens=self._opens,
            rows_key=self._rows_key,
        )
        self._taken = 0
        began = CheckProgress(0, size, now)
        self._now = began if before is None else replace(before, done=0, size=size, began_at=now)
        return True

    def _advance(self) -> None:
        assert self._now is not None  # noqa: S101 - a pass has begun
        began = monotonic()
        step = next(self._steps)
        self._longest = max(self._longest, monotonic() - began)
        if isinstance(step, Report):
            self.close()
            self._end(step, self._now)
            return
        self._taken += 1
        self._now = _at(self._now, step)
        if self._taken % _SAVED_EVERY == 1:
            self._log.save_check_progress(self._now)

    def _end(self, report: Report, began: CheckProgress) -> None:
        if report.ok:
            self._now = CheckProgress(report.size, report.size, began.began_at, self._clock.now(), report.size)
            self._log.save_check_progress(self._now)
            self._settle(SIGNAL)
            return
        sentence = " ".join([report.findings[0].sentence, report.lines()[-1]])
        self._now = replace(began, done=report.size, fault=sentence)
        self._log.save_check_progress(self._now)
        self._report(SIGNAL, sentence)


def _at(now: CheckProgress, done: int) -> CheckProgress:
    return replace(now, done=done, size=max(done, now.size))
