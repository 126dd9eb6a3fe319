"""The registers on a real database with a real log, and everything that changes them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.audit import AuditLog, NoteSigner, RecordedEvent, Recorder, Source, Subject
from governance.catalogue import Catalogue, Study
from governance.clock import FixedClock
from governance.facts import FactWriter
from governance.federation import WHOLE_REGION, Contacts, FederationDirectory
from governance.pseudonyms import Pseudonymiser, Vault
from governance.pseudonyms.tie_keys import TieKeys
from governance.registers import Changes, ContextFeeds, Endings, Registrations, StudyActs, Taken, Writer
from governance.registers.feeds import matter
from governance.registers.patient_keys import PatientKeys
from governance.relationships import Relationships
from governance.storage import Database
from governance.telemetry import Metrics
from governance.tokens.client_methods import SECRET_BASIC
from governance.vocabulary import SYSTEM, Scope, SubjectType

ORIGIN = "log.test/registers"
ISSUER = "https://governance.test"
TIE_KEYS = {"2026a": b"t" * 32, "2025b": b"u" * 32}
BOTH = frozenset({Scope.CONTEXT_WRITE.value, Scope.FEDERATION_WRITE.value})


def said(record: RecordedEvent) -> dict[str, object]:
    """Give what the record of a change says, without the digests of its rows."""
    return {name: value for name, value in record.detail.items() if name != "rows"}


def writer(ods: str, *writes_for: str, scopes: frozenset[str] = BOTH) -> Writer:
    """Give a service of a trust as a writer of both registers, for its trust and those named."""
    subject = Subject(f"feeder-{ods.lower()}", SubjectType.SERVICE, ods=ods)
    return Writer(subject, ods, scopes, frozenset(writes_for))


OFFICE = writer("QHL", WHOLE_REGION)


@dataclass
class RegisterWorld:
    """The registers, the log of their changes, and what changes them."""

    database: Database
    log: AuditLog
    vault: Vault
    federation: FederationDirectory
    catalogue: Catalogue
    relationships: Relationships
    registrations: Registrations
    endings: Endings
    feeds: ContextFeeds
    studies: StudyActs
    pseudonymiser: Pseudonymiser
    clock: FixedClock
    ids: Iterator[int]

    def records(self) -> list[RecordedEvent]:
        """Give what the log holds."""
        return self.log.read(0, 100)

    def everything(self) -> list[object]:
        """Give all that registering changes, and how long the log is."""
        with self.database.reading() as session:
            return [
                self.federation.trusts(session),
                self.federation.identity_providers(session),
                self.federation.clients(session),
                self.federation.credentials(session, "triage"),
                self.federation.manifests(session),
                self.federation.persons(session),
                self.federation.standings(session),
                self.catalogue.studies(session, ["1.2.3"]),
                self.log.tree_head(),
            ]

    def feed(self, name: str, by: Writer, *rows: dict[str, object]) -> Taken:
        """Send lines of a feed."""
        body = "\n".join(map(json.dumps, rows)).encode()
        taken: Taken = getattr(self.feeds, name)(by, body)
        return taken

    def study(self, study_uid: str = "1.2.3") -> Study | None:
        """Give a study as it is on file."""
        with self.database.reading() as session:
            return self.catalogue.study(session, study_uid)


def register_world(database: Database, clock: FixedClock, new_id: Callable[[], str] | None = None) -> RegisterWorld:
    """Make the registers on a database; ``new_id`` makes the ids of records, which count up without one."""
    pseudonymiser, vault, ids = Pseudonymiser(b"k" * 32), Vault(b"e" * 32), itertools.count(1)
    signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
    log = AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN)
    made: list[RegisterWorld] = []
    changes = Changes(
        database,
        Recorder(log, clock, Source(SYSTEM, "QHL"), new_id or (lambda: f"change-{next(made[0].ids)}")),
        FactWriter(vault),
    )
    federation, catalogue = FederationDirectory(pseudonymiser), Catalogue()
    relationships = Relationships(pseudonymiser)
    registrations = Registrations(
        changes=changes,
        federation=federation,
        methods=[SECRET_BASIC],
        issuer=ISSUER,
        pseudonymiser=pseudonymiser,
        clock=clock,
    )
    feeds = ContextFeeds(
        changes=changes,
        catalogue=catalogue,
        federation=federation,
        contacts=Contacts(Vault(b"e" * 32)),
        relationships=relationships,
        pseudonymiser=pseudonymiser,
        patient_keys=PatientKeys(
            keys=TieKeys(TIE_KEYS),
            federation=federation,
            relationships=relationships,
            pseudonymiser=pseudonymiser,
            vault=vault,
            matter=matter("staff"),
        ),
        clock=clock,
        metrics=Metrics(),
    )
    made.append(
        RegisterWorld(
            database=database,
            log=log,
            vault=vault,
            federation=federation,
            catalogue=catalogue,
            relationships=relationships,
            registrations=registrations,
            endings=Endings(changes=changes, federation=federation, pseudonymiser=pseudonymiser, clock=clock),
            feeds=feeds,
            studies=StudyActs(changes=changes, catalogue=catalogue, federation=federation, clock=clock),
            pseudonymiser=pseudonymiser,
            clock=clock,
            ids=ids,
        )
    )
    return made[0]
