"""Legal holds: a person, or a case, of whom nothing may be erased until somebody ends the hold."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.alerts import AlertService, Viewer
from governance.audit import Recorder
from governance.audit.event import JsonValue, Subject
from governance.clock import Clock
from governance.erasure import _store
from governance.erasure._tables import LegalHoldRow
from governance.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from governance.federation import FederationDirectory
from governance.pseudonyms import Pseudonymiser, Vault, is_person
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import EventKind, is_nhs_number

TEXT = 2_000  # characters of a reason
OPERATOR = "operator"
MATTER = "erasure"  # a person is not erased while somebody puts a hold on them


@dataclass(frozen=True, slots=True)
class NewHold:
    """What a hold is to be on: a patient, a member of staff, or a case; exactly one, and why.

    ``patient`` is an NHS number or a pseudonym, ``staff`` a user id or a pseudonym, ``case`` the id of an alert.
    """

    reason: str
    patient: str | None = None
    staff: str | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold, in pseudonyms; ``ended_at`` is None while it holds."""

    id: str
    person: str | None
    case: str | None
    reason: str
    ods: str | None
    set_by: str
    set_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str | None


class LegalHolds:
    """Sets, lists and ends holds, each act with its record.

    Args:
        database: where holds live.
        recorder: records each act in its transaction, and makes ids.
        clock: read once in each act.
        pseudonymiser: keys the person a hold is on.
        alerts: knows the cases.
        federation: knows whose staff somebody is.
        vault: knows of whom something is sealed.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        pseudonymiser: Pseudonymiser,
        alerts: AlertService,
        federation: FederationDirectory,
        vault: Vault,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._pseudonymiser = pseudonymiser
        self._alerts = alerts
        self._federation = federation
        self._vault = vault

    def set(self, viewer: Viewer, by: Subject | None, wanted: NewHold) -> Hold:
        """Put a hold on somebody or on a case.

        Args:
            viewer: who acts, and for which trust; a case must be theirs to see.
            by: whom the record names; None for the operator at the command line.
            wanted: what to hold, and why.

        Raises:
            InvalidInput: no reason, not exactly one thing to hold, or nobody whom it could be.
            Forbidden: a member of staff who is not of the viewer's trust, whether there is one or not.
            NotFound: there is no such case, or none of the viewer's trust.
            Conflict: the person was erased before.
        """
        person, case = self._target(wanted)
        row = LegalHoldRow(
            id=self._recorder.new_id(),
            person=person,
            case=case,
            reason=_words(wanted.reason),
            ods=viewer.ods,
            set_by=viewer.id,
            set_at=self._clock.now(),
        )
        with self._database.transaction() as session:
            exclusive(session, MATTER)
            if case is not None:
                self._alerts.get_in(session, viewer, case)
            if person is not None:
                self._refuse_nobody(session, viewer, wanted, person)
            _store.add(session, row)
            self._record(session, by, {"hold": "set", "hold_id": row.id, "person": person, "case": case})
            return _hold(row)

    def end(self, viewer: Viewer, by: Subject | None, hold: str, reason: str) -> Hold:
        """End a hold of the viewer's trust; arguments as :meth:`set`.

        Raises:
            InvalidInput: no reason.
            NotFound: there is no such hold of the trust.
            Conflict: it was ended before.
        """
        words, now = _words(reason), self._clock.now()
        with self._database.transaction() as session:
            self._own(session, viewer, hold)
            if not _store.end(session, hold, viewer.id, words, now):
                raise Conflict("hold.ended", "This hold was ended before.")
            self._record(session, by, {"hold": "ended", "hold_id": hold})
            session.expire_all()
            return _hold(self._own(session, viewer, hold))

    def list(self, viewer: Viewer, *, ended: bool = False, after: str | None = None, limit: int = 50) -> list[Hold]:
        """Give the holds of the viewer's trust, all of them to the network; a page goes on ``after`` an id."""
        with self._database.reading() as session:
            return [_hold(row) for row in _store.listed(session, viewer.ods, ended=ended, after=after, limit=limit)]

    def forbid(self, session: Session, person: str) -> str | None:
        """Say why a person may not be erased now, None when no hold is in the way."""
        if _store.on_person(session, person):
            return "A legal hold is on this person."
        for case in _store.cases(session):
            if self._alerts.names_in(session, case, person):
                return "A legal hold is on a case that names this person."
        return None

    def _own(self, session: Session, viewer: Viewer, hold: str) -> LegalHoldRow:
        row = _store.find(session, hold)
        if row is None or (viewer.ods is not None and row.ods != viewer.ods):
            raise NotFound("hold.unknown", "There is no such hold of this trust.")
        return row

    def _target(self, wanted: NewHold) -> tuple[str | None, str | None]:
        given = [value for value in (wanted.patient, wanted.staff, wanted.case) if value]
        if len(given) != 1:
            raise InvalidInput([Fault("", "names a patient, a member of staff or a case: exactly one")])
        if wanted.case:
            return None, wanted.case
        if wanted.patient:
            person = self._pseudonymiser.patient(wanted.patient)
            if not is_nhs_number(wanted.patient.replace(" ", "")) and person != wanted.patient:
                raise InvalidInput([Fault("/patient", "is neither an NHS number nor the pseudonym of a patient")])
            return person, None
        if is_person(given[0]) and given[0].startswith("p-"):
            raise InvalidInput([Fault("/staff", "is the pseudonym of a patient")])
        return self._pseudonymiser.subject(given[0]), None

    def _refuse_nobody(self, session: Session, viewer: Viewer, wanted: NewHold, person: str) -> None:
        """Refuse somebody whom nobody knows, who is not the viewer's to hold, or who was erased (rule 6)."""
        has_key = self._vault.has_key(session, person)
        if wanted.staff:
            trusts = {one.ods for one in self._federation.everybody_called(session, person)}
            if viewer.ods is not None and viewer.ods not in trusts:
                raise Forbidden("hold.not_yours", "This is not yours to hold. /staff: is nobody of your trust on file")
            if has_key is None and not trusts:
                raise InvalidInput([Fault("/staff", "is nobody on file, and nothing is sealed for them")])
        elif has_key is None and person == wanted.patient:
            raise InvalidInput([Fault("/patient", "is a pseudonym for which nothing is sealed")])
        if has_key is False:
            raise Conflict("erasure.done", "This person was erased before: there is nothing left to hold.")

    def _record(self, session: Session, by: Subject | None, detail: dict[str, JsonValue]) -> None:
        said = {name: value for name, value in detail.items() if value is not None}
        self._recorder.record_in(session, EventKind.CONFIG, time=self._clock.now(), subject=by, detail=said)


NETWORK = Viewer(OPERATOR, None, person=False)


def _words(text: str) -> str:
    words = " ".join(text.split())
    if not words or len(words) > TEXT:
        raise InvalidInput([Fault("/reason", f"is needed, in at most {TEXT} characters")])
    return words


def _hold(row: LegalHoldRow) -> Hold:
    return Hold(**row.model_dump())
