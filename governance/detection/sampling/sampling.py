"""Drawing a day, reviewing what was drawn, and what the verdicts say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlmodel import Session

from governance.alerts import AlertService, Viewer
from governance.audit import Event, Recorder
from governance.audit.event import JsonValue, Subject
from governance.clock import Clock
from governance.detection.sampling import _store
from governance.detection.sampling._store import Drawn, Sight
from governance.detection.sampling.draw import Candidate, draw
from governance.detection.sampling.estimate import MissRate, miss_rate
from governance.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import EventKind, SubjectType, Verdict

RIPE = timedelta(days=7)  # from the end of a day to its draw
RATE = 0.001  # of a trust that chose none
HIGHEST_RATE = 0.05
MAXIMUM_REASON = 4_000  # characters
MAXIMUM_PAGE = 200
_MATTER = "sample"


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """Which drawn looks: judged, waiting or both (None), those before an index, and how many."""

    judged: bool | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of one trust.

    Args:
        ods: the trust.
        rate: the share that is drawn now.
        looked: unexplained looks without an alert on the days that were drawn.
        drawn: how many of them were drawn.
        waiting: how many wait for a verdict.
        unclear: how many nobody could tell of; left out of the miss rate.
        miss: the share that was wrong, of those judged either way.
    """

    ods: str
    rate: float
    looked: int
    drawn: int
    waiting: int
    unclear: int
    miss: MissRate

    @property
    def sentence(self) -> str:
        """Say what it means."""
        if not self.miss.judged:
            return f"Of {self.drawn:,} drawn, none has been judged yet: nothing can be said about what goes unseen."
        wrong = "1 was" if self.miss.wrong == 1 else f"{self.miss.wrong:,} were"
        return (
            f"Of {self.miss.judged:,} drawn and judged, {wrong} not justified: with 95 % confidence between"
            f" {self.miss.low:.1%} and {self.miss.high:.1%} of the {self.looked:,} unexplained accesses that raised no"
            f" alert. {self.unclear:,} unclear and {self.waiting:,} waiting are left out."
        )


class Sampling:
    """The random audit of the region.

    Args:
        database: where it is kept.
        recorder: records draws, verdicts and rates in their transaction.
        clock: says when somebody judged.
        alerts: know which looks are in an alert.
        key: of the draw, at least 32 bytes; the same for ever, so that the same log gives the same draw.
        patient_of: gives the patient pseudonym of a trust's member of staff.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        alerts: AlertService,
        key: bytes,
        patient_of: Callable[[Session, str, str | None], str | None],
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._alerts = alerts
        self._key = key
        self._patient_of = patient_of

    def draw_in(self, session: Session, day: date, looks: Iterable[Candidate]) -> list[Candidate]:
        """Draw a day in the caller's write transaction, each trust once. Call it last: it records.

        Args:
            session: the transaction.
            day: of event time, :data:`RIPE` past.
            looks: its unexplained looks; those in an alert are left out here.

        Gives what was drawn now, by index; nothing of a trust whose day was drawn before.
        """
        exclusive(session, _MATTER)
        by_trust: dict[str, list[Candidate]] = {}
        for look in looks:
            by_trust.setdefault(look.ods, []).append(look)
        events, found = [], []
        for ods, theirs in sorted(by_trust.items()):
            alerted = self._alerts.alerted_in(session, [look.index for look in theirs])
            left = [look for look in theirs if look.index not in alerted]
            rate = _store.rate(session, ods, max(look.index for look in theirs) + 1)
            drawn = draw(left, self._key, RATE if rate is None else rate)
            if _store.add_day(session, ods, day, len(left), RATE if rate is None else rate, drawn):
                found += drawn
                events.append(self._drawn_event(ods, day, len(left), drawn))
        self._recorder.record_all_in(session, events)
        return sorted(found, key=lambda look: look.index)

    def list(self, viewer: Viewer, query: SampleQuery) -> tuple[Drawn, ...]:
        """Give drawn looks that the viewer may judge, newest first; one more than the limit when there are more."""
        with self._database.reading() as session:
            return self.list_in(session, viewer, query)

    def list_in(self, session: Session, viewer: Viewer, query: SampleQuery) -> tuple[Drawn, ...]:
        """Give the same in the caller's snapshot."""
        sight = self._sight(session, viewer)
        return tuple(_store.page(session, sight, query.judged, query.before, query.limit + 1))

    def get_in(self, session: Session, viewer: Viewer, index: int) -> Drawn:
        """Give one drawn look; raises NotFound out of sight, Forbidden for the viewer's own."""
        return self._open_to(session, viewer, _store.find(session, index))

    def summaries_in(self, session: Session, viewer: Viewer) -> tuple[Summary, ...]:
        """Give what is known of the viewer's trust, or of each."""
        counts, totals = _store.verdicts(session, viewer.ods), _store.totals(session, viewer.ods)
        trusts = sorted(totals) if viewer.ods is None else [viewer.ods]

        def count(ods: str, verdict: Verdict | None) -> int:
            return counts.get((ods, None if verdict is None else verdict.value), 0)

        return tuple(
            Summary(
                ods=ods,
                rate=self.rate_in(session, ods),
                looked=totals[ods].looked if ods in totals else 0,
                drawn=totals[ods].drawn if ods in totals else 0,
                waiting=count(ods, None),
                unclear=count(ods, Verdict.UNCLEAR),
                miss=miss_rate(
                    count(ods, Verdict.UNJUSTIFIED), count(ods, Verdict.UNJUSTIFIED) + count(ods, Verdict.JUSTIFIED)
                ),
            )
            for ods in trusts
        )

    def summaries(self, viewer: Viewer) -> tuple[Summary, ...]:
        """Give the same in a snapshot of its own."""
        with self._database.reading() as session:
            return self.summaries_in(session, viewer)

    def rate_in(self, session: Session, ods: str) -> float:
        """Give the rate of a trust as it is now."""
        found = _store.rate(session, ods, None)
        return RATE if found is None else found

    def judge(self, viewer: Viewer, index: int, verdict: Verdict, reason: str) -> Drawn:
        """Say what a drawn look was, once.

        Raises:
            NotFound: it was not drawn, or is another trust's.
            Forbidden: the viewer's own look, or their own record.
            Conflict: somebody judged it.
            InvalidInput: no reason.
        """
        now, words = self._clock.now(), reason.strip()
        if not words or len(words) > MAXIMUM_REASON:
            raise InvalidInput([Fault("/reason", f"say it in 1 to {MAXIMUM_REASON} characters")])
        with self._database.transaction() as session:
            held = self._open_to(session, viewer, _store.find(session, index, lock=True))
            if held.verdict is not None:
                raise Conflict("sample.judged", "Somebody judged this already; a verdict stands.")
            _store.judge(session, index, verdict, words, viewer.id, now)
            detail: dict[str, JsonValue] = {"act": "sample.judged", "index": index, "verdict": verdict.value}
            self._recorder.record_all_in(session, [self._event(viewer, detail)])
            return replace(held, verdict=verdict, reason=words, by=viewer.id, judged_at=now)

    def choose_rate(self, viewer: Viewer, ods: str | None, rate: float) -> float:
        """Choose the rate of a trust, for days whose last look comes later; raises InvalidInput or Forbidden."""
        trust = ods or viewer.ods
        if trust is None:
            raise InvalidInput([Fault("/ods", "is needed: whoever acts for the region names a trust")])
        if viewer.ods not in {None, trust}:
            raise Forbidden("sample.other_trust", "Each trust chooses its own rate.")
        if not 0 < rate <= HIGHEST_RATE:
            raise InvalidInput([Fault("/rate", f"is more than 0 and at most {HIGHEST_RATE}")])
        with self._database.transaction() as session:
            exclusive(session, _MATTER)
            detail: dict[str, JsonValue] = {"act": "sample.rate", "trust": trust, "rate": rate}
            (index,) = self._recorder.record_all_in(session, [self._event(viewer, detail)])
            _store.set_rate(session, trust, index, rate)
        return rate

    def _open_to(self, session: Session, viewer: Viewer, drawn: Drawn | None) -> Drawn:
        if drawn is None or viewer.ods not in {None, drawn.ods}:
            raise NotFound("sample.unknown", "No such access was drawn.")
        sight = self._sight(session, viewer)
        if drawn.subject == sight.id or (drawn.patient is not None and drawn.patient == sight.own_patient):
            raise Forbidden("sample.own", "Nobody judges their own access, or an access to their own record.")
        return drawn

    def _sight(self, session: Session, viewer: Viewer) -> Sight:
        own = self._patient_of(session, viewer.id, viewer.ods) if viewer.person else None
        return Sight(viewer.id, viewer.ods, own)

    def _drawn_event(self, ods: str, day: date, looked: int, drawn: Sequence[Candidate]) -> Event:
        detail: dict[str, JsonValue] = {
            "act": "sample.drawn",
            "trust": ods,
            "day": day.isoformat(),
            "looked": looked,
            "drawn": [look.index for look in drawn],
        }
        return self._recorder.event(EventKind.CONFIG, detail=detail)

    def _event(self, viewer: Viewer, detail: dict[str, JsonValue]) -> Event:
        kind = SubjectType.PRACTITIONER if viewer.person else SubjectType.SERVICE
        return self._recorder.event(
            EventKind.CONFIG, subject=Subject(id=viewer.id, type=kind, ods=viewer.ods), detail=detail
        )


__all__ = ["Drawn", "SampleQuery", "Sampling", "Summary"]
