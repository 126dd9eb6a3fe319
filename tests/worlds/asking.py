"""A little world around inquiries: a real log, registers, vault and outbox, and a channel that keeps messages."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from governance.alerts import Evidence, Finding, Viewer
from governance.audit.event import Event, Resource, Source, Subject
from governance.clock import FixedClock
from governance.federation import Contacts, IdentityProvider, StaffMember, Trust
from governance.inquiries import (
    AnswerCode,
    Asked,
    Channel,
    Identity,
    Inquiries,
    Inquiry,
    Letter,
    NotDelivered,
    Outbox,
    Pace,
    Recipients,
    Tending,
)
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import EventKind, Outcome, Severity, SubjectType
from tests.worlds.alerts import AlertWorld

NIA, BOSS, OTHER = "nurse.nia", "manager.max", "nurse.oli"
PATIENT, OTHER_PATIENT = "9990000018", "9990000026"
BEGAN = datetime(2026, 11, 23, 21, 40, tzinfo=UTC)
OFFICER = Viewer("s-officer", "RRK", person=True)
BASE = "https://governance.example"
MAILBOX = "privacy@rrk.example"
_NUMBERS = itertools.count(1)
WHY = "No reason for these looks is on record."


@dataclass
class Kept:
    """A channel that keeps the messages it was given; ``fails`` is raised for each, while there is one."""

    name: str = "mail"
    addressed: bool = True
    sent: list[Letter] = field(default_factory=list)
    fails: NotDelivered | None = None

    def send(self, letter: Letter) -> None:
        if self.fails is not None:
            raise self.fails
        self.sent.append(letter)


class AskingWorld(AlertWorld):
    """A trust with a nurse, her manager and a colleague; each has an address, Nia has looked at a patient twice."""

    def __init__(
        self,
        database: Database,
        clock: FixedClock,
        channels: Sequence[Channel] | None = None,
        mailboxes: dict[str, str] | None = None,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(database, clock)
        self.metrics = Metrics()
        self.contacts = Contacts(self.vault)
        self.channel = Kept()
        self.managers = {self.pseudonymiser.subject(NIA): self.pseudonymiser.subject(BOSS)}
        self.pace = pace or Pace()
        self.recipients = Recipients(
            self.federation,
            self.contacts,
            lambda member: self.managers.get(member.id),
            {"RRK": MAILBOX} if mailboxes is None else mailboxes,
        )
        self.outbox = self.made_outbox([self.channel] if channels is None else channels)
        self.inquiries = Inquiries(
            database=database,
            recorder=self.recorder,
            clock=clock,
            vault=self.vault,
            log=self.log,
            search=self.search,
            alerts=self.alerts,
            recipients=self.recipients,
            outbox=self.outbox,
            metrics=self.metrics,
            pace=self.pace,
            random=lambda length: next(_NUMBERS).to_bytes(length),
        )
        self.tending = Tending(
            database=database,
            recorder=self.recorder,
            instant=lambda _session: clock.now(),
            recipients=self.recipients,
            outbox=self.outbox,
            pace=self.pace,
        )

    def made_outbox(self, channels: Sequence[Channel]) -> Outbox:
        """Make an outbox as a process of its own would."""
        return Outbox(
            database=self.database,
            recorder=self.recorder,
            clock=self.clock,
            instant=lambda _session: self.clock.now(),
            recipients=self.recipients,
            channels=channels,
            base_url=BASE,
            metrics=self.metrics,
        )

    def person(self, name: str) -> Identity:
        """Give somebody of the trust, signed in."""
        return Identity(self.pseudonymiser.subject(name), "RRK")

    def member(self, name: str, **changes: object) -> StaffMember:
        """Give a member of staff with an address."""
        made = StaffMember(self.pseudonymiser.subject(name), "RRK", "nurse", contact=f"{name}@rrk.example")
        return replace(made, **changes)  # type: ignore[arg-type]

    def staff(self, *members: StaffMember) -> None:
        """Put members of staff on file, as their feed does."""
        with self.database.transaction() as session:
            self.federation.upsert_staff(session, members)
            self.contacts.keep(session, members)

    def seeded(self) -> "AskingWorld":
        """Put the trust and its people on file."""
        with self.database.transaction() as session:
            self.federation.register_trust(session, Trust("RRK", "University Hospitals Birmingham"))
            self.federation.register_identity_provider(
                session, IdentityProvider("https://id.rrk.example", "RRK", "https://id.rrk.example/jwks", ("console",))
            )
        self.staff(*(self.member(name) for name in (NIA, BOSS, OTHER)))
        return self

    def look(self, name: str = NIA, patient: str = PATIENT, at: datetime = BEGAN, number: int = 1) -> int:
        """Record a look; gives its index."""
        event = Event(
            f"{name}-{patient}-{at.isoformat()}-{number}",
            at,
            Source("archive", "RRK"),
            EventKind.ACCESS,
            outcome=Outcome.SUCCESS,
            subject=Subject(name, SubjectType.PRACTITIONER, "nurse", "RRK"),
            resource=Resource(
                patient=patient, study_uid="1.2.3", modality="CT", body_part="HEAD", custodian="RRK",
                study_date=datetime(2026, 11, 20, tzinfo=UTC).date(),
            ),
        )  # fmt: skip
        return self.record([event])[0]

    def alert(self, *events: int, **changes: object) -> str:
        """Raise an alert about Nia and the patient that rests on some looks."""
        base = Finding(
            rule_id="access_without_decision",
            family="access_without_decision",
            severity=Severity.MEDIUM,
            subject=self.pseudonymiser.subject(NIA),
            about=self.pseudonymiser.patient(PATIENT),
            occurred_at=BEGAN,
            evidence=(Evidence("looks", len(events), 0, 0, None, "No reason is on record."),),
            events=events,
            patient=self.pseudonymiser.patient(PATIENT),
            subjects=(self.pseudonymiser.subject(NIA),),
            trusts=("RRK",),
        )
        return self.raise_all(replace(base, **changes))[0][0]  # type: ignore[arg-type]

    def asked(self, asked: Asked = Asked.PERSON) -> Inquiry:
        """Ask about two looks of Nia, from an alert."""
        alert = self.alert(self.look(), self.look(at=BEGAN + timedelta(minutes=3)))
        return self.inquiries.ask(OFFICER, alert, asked, WHY)

    def answered(self, code: AnswerCode = AnswerCode.TREATING, words: str = "") -> Inquiry:
        """Ask, and let Nia answer."""
        return self.inquiries.answer(self.person(NIA), self.asked().reference, code, words)

    def acts(self) -> list[str]:
        """Give what the log says of inquiries, in order."""
        size, _ = self.log.tree_head()
        details = [event.detail for event in self.log.read(0, size)]
        return [str(detail["act"]) for detail in details if "inquiry" in detail]
