"""Forgetting one person: the statement that two persons approve, and the act."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from governance.alerts import AlertService
from governance.audit import Recorder
from governance.clock import Clock
from governance.erasure.holds import MATTER, LegalHolds
from governance.errors import Conflict, Fault, InvalidInput, NotFound
from governance.federation import FederationDirectory
from governance.pseudonyms import Vault, is_person
from governance.relationships import Relationships
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import EventKind

PERSONS = 2  # who must approve
_HEAD = "imaging-governance: erase a person"
_NAMES = ("person: ", "service: ", "asked on: ", "why: ")
LIFETIME_DAYS = 14  # an approval is for now, not for years


@dataclass(frozen=True, slots=True)
class Statement:
    """What is approved: whose data key is destroyed (a pseudonym), at which service, why, and when it was asked."""

    person: str
    origin: str
    reason: str
    asked_on: date

    def text(self) -> str:
        """Give the bytes that are signed, as text; one line a fact."""
        facts = (self.person, self.origin, self.asked_on.isoformat(), self.reason)
        return "\n".join((_HEAD, *(f"{name}{fact}" for name, fact in zip(_NAMES, facts, strict=True)), ""))

    @classmethod
    def parse(cls, text: str) -> "Statement":
        """Read a statement; raises InvalidInput for anything that :meth:`text` did not write."""
        lines = text.split("\n")
        try:
            person, origin, asked_on, reason = (
                line.removeprefix(name) for name, line in zip(_NAMES, lines[1:5], strict=True)
            )
            made = cls(person, origin, reason, date.fromisoformat(asked_on))
        except ValueError:
            made = None
        if made is None or made.text() != text:
            raise InvalidInput([Fault("/statement", "is not a statement of this command")])
        return made


class Erasure:
    """Destroys a person's data key, once nothing forbids it.

    Args:
        database: one transaction holds the checks, the act and its record.
        vault: holds the keys.
        holds: say what is on hold.
        alerts: know open cases.
        federation: knows who else is called the same.
        relationships: forgets by which key a patient is found.
        recorder: records the act.
        clock: says what day it is.
        origin: the log's name: a statement for another service is refused.
    """

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        holds: LegalHolds,
        alerts: AlertService,
        federation: FederationDirectory,
        relationships: Relationships,
        recorder: Recorder,
        clock: Clock,
        origin: str,
    ) -> None:
        self._database = database
        self._vault = vault
        self._holds = holds
        self._alerts = alerts
        self._federation = federation
        self._relationships = relationships
        self._recorder = recorder
        self._clock = clock
        self._origin = origin

    def statement(self, person: str, reason: str) -> Statement:
        """Write what is to be approved; raises InvalidInput for what is no person's pseudonym, or without a reason."""
        words = " ".join(reason.split())
        faults = [] if is_person(person) else [Fault("/person", "is the pseudonym of a patient or a member of staff")]
        if not words:
            faults.append(Fault("/reason", "is needed"))
        if faults:
            raise InvalidInput(faults)
        return Statement(person, self._origin, words, self._clock.now().date())

    def examine(self, statement: Statement, approved_by: Sequence[str] | None = None) -> None:
        """Say whether a person may be erased now, by whom it was approved too when that is given; changes nothing.

        Raises:
            InvalidInput, NotFound, Conflict: as :meth:`erase`.
        """
        if approved_by is not None:
            self._check(statement, approved_by)
        with self._database.reading() as session:
            self._refuse_what_is_held(session, statement.person)
            self._refuse_namesakes(session, statement.person)

    def erase(self, statement: Statement, approved_by: Sequence[str]) -> int:
        """Destroy the person's data key, and give the index of the record.

        Processes know no data key but while they use it, so every one has forgotten the person when this returns.

        Args:
            statement: what was approved.
            approved_by: the different persons whose signatures on it were checked.

        Raises:
            InvalidInput: fewer than two persons, or a statement of another service or too old.
            NotFound: nothing was ever sealed for this person.
            Conflict: a hold, an open case or a namesake forbids it, or it was done before; nothing was erased.
        """
        now = self._clock.now()
        self._check(statement, approved_by)
        detail = {
            "approved_by": sorted(set(approved_by)),
            "erased": statement.person,
            "statement": hashlib.sha256(statement.text().encode()).hexdigest(),
        }
        with self._database.transaction() as session:
            exclusive(session, MATTER)
            self._refuse_what_is_held(session, statement.person)
            self._refuse_namesakes(session, statement.person)
            self._vault.destroy(session, statement.person, now)
            self._relationships.forget_patient_keys(session, statement.person)
            return self._recorder.record_in(session, EventKind.CONFIG, time=now, detail=detail)

    def _check(self, statement: Statement, approved_by: Sequence[str]) -> None:
        faults = []
        if len(set(approved_by)) < PERSONS:
            faults.append(Fault("/approvals", "two different persons must approve"))
        if statement.origin != self._origin:
            faults.append(Fault("/statement", "is for another service"))
        age = (self._clock.now().date() - statement.asked_on).days
        if not 0 <= age <= LIFETIME_DAYS:
            faults.append(Fault("/statement", f"is good for {LIFETIME_DAYS} days after it was asked"))
        if faults:
            raise InvalidInput(faults, "The erasure is not approved.")

    def _refuse_what_is_held(self, session: Session, person: str) -> None:
        has_key = self._vault.has_key(session, person)
        if has_key is None:
            raise NotFound("erasure.unknown", "Nothing is sealed for this person: is the identifier right?")
        if not has_key:
            raise Conflict("erasure.done", "This person was erased before.")
        held = self._holds.forbid(session, person)
        if held is not None:
            raise Conflict("erasure.held", held)
        if self._alerts.has_open_case(session, person):
            raise Conflict("erasure.case_open", "A case about this person's own accesses is open: close it first.")

    def _refuse_namesakes(self, session: Session, person: str) -> None:
        """Refuse to erase several people at once while any of them is still there (rule 4).

        The pseudonym is of the bare user id (decision 0012), and so is the data key.
        """
        called = self._federation.everybody_called(session, person)
        there = {one.named_by for one in called if one.there(self._clock.now().date())}
        if len({one.named_by for one in called}) > 1 and there:
            trusts, staying = (", ".join(sorted(found)) for found in ({one.ods for one in called}, there))
            raise Conflict(
                "erasure.namesakes",
                f"Several people are on file under this user id, at {trusts}, and they share one data key. Erase"
                f" once each trust's staff feed says that they have left (leaves_on); still there: {staying}.",
            )
