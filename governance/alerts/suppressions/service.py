"""Setting, approving, ending and listing suppressions, and holding findings back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import TypeAlias

from sqlmodel import Session

from governance.alerts.finding import Finding
from governance.alerts.query import Viewer
from governance.alerts.suppressions import _store
from governance.alerts.suppressions.suppression import (
    MAXIMUM_TEXT,
    NewSuppression,
    Suppression,
    Withheld,
    check,
)
from governance.audit import Recorder
from governance.audit.event import JsonValue, Subject
from governance.clock import Clock
from governance.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import Capacity, EventKind, SubjectType

MAXIMUM_PAGE = 200
MATTER = "alerts"
TeamsOf: TypeAlias = Callable[[Session, str, str | None], Collection[str]]
"""Takes a person's pseudonym and their trust; gives the pseudonyms of their teams."""
TrustsNaming: TypeAlias = Callable[[Session, Collection[str]], dict[str, frozenset[str]]]
"""Takes pseudonyms of people and teams; gives the trusts that have somebody or a team of that name."""


def no_teams(_session: Session, _subject: str, _ods: str | None) -> Collection[str]:
    """Know nobody's teams."""
    return ()


def nobody_named(_session: Session, _names: Collection[str]) -> dict[str, frozenset[str]]:
    """Know nobody's trust, so that a trust may name nobody."""
    return {}


class Suppressions:
    """What is held back.

    Args:
        database: where suppressions live.
        recorder: records each act in its transaction, and makes ids.
        clock: says what is in force.
        patient_of: gives the patient pseudonym of a trust's member of staff.
        teams_of: gives the teams of somebody.
        trusts_naming: knows whose staff, or whose team, somebody is.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        patient_of: Callable[[Session, str, str | None], str | None],
        teams_of: TeamsOf,
        trusts_naming: TrustsNaming,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._patient_of = patient_of
        self._teams_of = teams_of
        self._trusts_naming = trusts_naming

    def set(self, viewer: Viewer, wanted: NewSuppression) -> Suppression:
        """Hold something back; one for a whole trust or everybody waits for a second person.

        Raises:
            InvalidInput: what no suppression may be, each fault by its field.
            Forbidden: another trust's, somebody who is not of the trust, or about the viewer.
        """
        now = self._clock.now()
        check(wanted, viewer.ods, now)
        trust = viewer.ods if viewer.ods is not None and wanted.wide else wanted.trust
        values = asdict(wanted) | {
            "id": self._recorder.new_id(),
            "kind": wanted.kind.value,
            "ods": viewer.ods,
            "trust": trust,
            "reason": wanted.reason.strip(),
            "owner": viewer.id,
            "set_at": now,
            "needs_approval": wanted.wide,
        }
        with self._database.transaction() as session:
            exclusive(session, MATTER)
            self._refuse_what_is_not_theirs(session, viewer, wanted)
            _store.add(session, values)
            return self._done(session, viewer, values["id"], "set")

    def approve(self, viewer: Viewer, suppression: str) -> Suppression:
        """Approve, as a second person, what waits for one.

        Raises:
            NotFound: there is none that the viewer may approve.
            Forbidden: the viewer set it.
            Conflict: it waits for nobody.
        """
        now = self._clock.now()
        with self._database.transaction() as session:
            exclusive(session, MATTER)
            held = self._own(session, viewer, suppression)
            if held.owner == viewer.id:
                raise Forbidden("suppression.second_person", "Somebody else than who set it approves it.")
            if held.state_at(now) != "waiting" or not _store.approve(session, suppression, viewer.id, now):
                raise Conflict("suppression.not_waiting", "This suppression does not wait for an approval.")
            return self._done(session, viewer, suppression, "approved")

    def end(self, viewer: Viewer, suppression: str, reason: str) -> Suppression:
        """End one before its time.

        Raises:
            InvalidInput: no reason.
            NotFound: there is none that the viewer may end.
            Conflict: it was ended before.
        """
        words = reason.strip()
        if not words or len(words) > MAXIMUM_TEXT:
            raise InvalidInput([Fault("/reason", f"say why in 1 to {MAXIMUM_TEXT} characters")])
        with self._database.transaction() as session:
            exclusive(session, MATTER)
            self._own(session, viewer, suppression)
            if not _store.end(session, suppression, viewer.id, words, self._clock.now()):
                raise Conflict("suppression.ended", "This suppression was ended before.")
            return self._done(session, viewer, suppression, "ended")

    def page(
        self, viewer: Viewer, *, ended: bool = False, after: str | None = None, limit: int = 50
    ) -> tuple[Suppression, ...]:
        """Give what the viewer may see, in the order of ids; with those that ended or expired when asked for."""
        with self._database.reading() as session:
            return self.page_in(session, viewer, ended=ended, after=after, limit=limit)

    def page_in(
        self, session: Session, viewer: Viewer, *, ended: bool = False, after: str | None = None, limit: int = 50
    ) -> tuple[Suppression, ...]:
        """Give a page as :meth:`page` does, in the caller's snapshot."""
        own = self._patient_of(session, viewer.id, viewer.ods) if viewer.person else None
        before = None if ended else self._clock.now()
        most = min(limit, MAXIMUM_PAGE + 1)
        who = (viewer.id, own)
        return tuple(_store.listed(session, viewer.ods, who, ended_before=before, after=after, limit=most))

    def withheld(self, viewer: Viewer, suppression: str, limit: int = 50) -> tuple[Suppression, tuple[Withheld, ...]]:
        """Give one and what it held back, the latest first, ``limit`` (1 to 200) of it; raises NotFound."""
        with self._database.reading() as session:
            return self.withheld_in(session, viewer, suppression, limit)

    def withheld_in(
        self, session: Session, viewer: Viewer, suppression: str, limit: int = 50
    ) -> tuple[Suppression, tuple[Withheld, ...]]:
        """Give one as :meth:`withheld` does, in the caller's snapshot."""
        held = self._own(session, viewer, suppression)
        return held, tuple(_store.withheld(session, suppression, min(max(limit, 1), MAXIMUM_PAGE)))

    def covering(self, session: Session, findings: Sequence[Finding]) -> list[Suppression | None]:
        """Say for each finding which suppression in force covers it, None when none does; counts nothing."""
        subjects = sorted({who for one in findings for who in (one.subject, *one.subjects) if who})
        patients = sorted({one.patient for one in findings if one.patient})
        held = _store.in_force(session, self._clock.now(), subjects, patients) if findings else []
        return [next((one for one in held if self._covers(session, one, finding)), None) for finding in findings]

    def hold_back(self, session: Session, findings: Sequence[Finding]) -> list[Suppression | None]:
        """Say as :meth:`covering` does, and keep and count what is held back, in the caller's write transaction."""
        covering = self.covering(session, findings)
        hits = [(held.id, finding) for held, finding in zip(covering, findings, strict=True) if held is not None]
        if hits:
            exclusive(session, MATTER)
            _store.count(session, hits, self._clock.now())
        return covering

    def _covers(self, session: Session, held: Suppression, finding: Finding) -> bool:
        who = finding.subject or next(iter(finding.subjects), None)
        ods = next((party.ods for party in finding.parties if party.capacity is Capacity.EMPLOYER), None)
        return held.covers(finding, lambda: self._teams_of(session, who, ods) if who else ())

    def _own(self, session: Session, viewer: Viewer, suppression: str) -> Suppression:
        """Give one that the viewer may change: their trust's, any for the region, none about themselves."""
        found = _store.find(session, suppression)
        if found is None or (viewer.ods is not None and found.ods != viewer.ods) or self._about(session, viewer, found):
            raise NotFound("suppression.unknown", "There is no such suppression of this trust.")
        return found

    def _about(self, session: Session, viewer: Viewer, what: NewSuppression | Suppression) -> bool:
        if what.subject == viewer.id:
            return True
        own = self._patient_of(session, viewer.id, viewer.ods) if viewer.person and what.patient else None
        return own is not None and what.patient == own

    def _refuse_what_is_not_theirs(self, session: Session, viewer: Viewer, wanted: NewSuppression) -> None:
        if self._about(session, viewer, wanted):
            raise Forbidden("suppression.own_case", "Nobody holds back what concerns themselves.")
        named = [name for name in (wanted.subject, wanted.team) if name is not None]
        if viewer.ods is None or not named:
            return
        trusts = self._trusts_naming(session, named)
        if any(viewer.ods not in trusts.get(name, frozenset()) for name in named):
            raise Forbidden("suppression.not_yours", "This is nobody, and no team, of your trust on file.")

    def _done(self, session: Session, viewer: Viewer, suppression: str, act: str) -> Suppression:
        """Record an act and give the suppression as it is now. The words given stay with it."""
        found = _store.find(session, suppression)
        if found is None:
            raise NotFound("suppression.unknown", "There is no such suppression of this trust.")
        said = {
            name: getattr(found, name)
            for name in ("rule", "signal", "subject", "team", "patient", "trust")
            if getattr(found, name) is not None
        }
        detail: dict[str, JsonValue] = {"suppression": found.id, "act": act, "kind": found.kind.value, **said}
        detail["expires_at"] = found.expires_at.isoformat()
        by = Subject(
            id=viewer.id,
            type=SubjectType.PRACTITIONER if viewer.person else SubjectType.SERVICE,
            ods=viewer.ods,
        )
        self._recorder.record_in(session, EventKind.CONFIG, time=self._clock.now(), subject=by, detail=detail)
        return found
