"""A little world of searches: the real rooms over one database, policy data of one's own, a real log behind it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from governance.access import ActingSubjects, CandidateFinder, CurrentTerms, Page, Searched, SearchService, asker_of
from governance.agreements import PolicyData
from governance.audit import AuditLog, NoteSigner, Recorder, Source
from governance.catalogue import Catalogue
from governance.clock import FixedClock
from governance.decisions import AccessRequest, DecisionService, PolicyInformationPoint
from governance.decisions.engine import Engine
from governance.federation import EVERY_TRUST, FederationDirectory, ServiceClient
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Relationships
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import Attestation, SubjectType
from tests.worlds.decisions import KEY, POINT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = "log.test/search"
VIEWER = ServiceClient(
    client_id="viewer",
    ods="RKB",
    name="Viewer",
    kind=SubjectType.SERVICE,
    jwks={"keys": [KEY | POINT]},
    asks_for=frozenset({EVERY_TRUST}),
    attests=frozenset(Attestation),
)
ASKER = asker_of(VIEWER)


class _NothingNew:
    """Terms that nobody changes."""

    def behind(self, session: Session) -> bool:
        return False

    def refresh(self) -> None:
        raise AssertionError("there is nothing to take up")


@dataclass
class SearchWorld:
    """What a search stands on. ``data`` may be replaced: it is what the agreements say at the moment."""

    database: Database
    pseudonymiser: Pseudonymiser
    federation: FederationDirectory
    catalogue: Catalogue
    relationships: Relationships
    decisions: DecisionService
    acting: ActingSubjects
    audit: AuditLog
    service: SearchService
    data: PolicyData

    def pages(self, searched: Searched, asked: AccessRequest, limit: int) -> Iterator[tuple[AccessRequest, ...]]:
        """Give every page of a search, to its end."""
        after: str | None = ""
        while after is not None:
            found = self.service.search(searched, asked, ASKER, Page(limit, after))
            yield found.hits
            after = found.after

    def hits(self, searched: Searched, asked: AccessRequest, limit: int = 500) -> list[AccessRequest]:
        """Give every hit of a search, page by page."""
        return list(itertools.chain.from_iterable(self.pages(searched, asked, limit)))

    def permits(self, asked: AccessRequest) -> bool:
        """Evaluate one request on its own, for the same asker."""
        with self.database.reading() as session:
            settled = self.acting.settle(asked, ASKER, session)
            return self.decisions.decide(settled, session, NOW, str).permit


@contextmanager
def search_world(database: Database, engine: Engine, data: PolicyData) -> Iterator[SearchWorld]:
    """Put the rooms over a database; the engine decides with the data, and the log's writer runs."""
    pseudonymiser = Pseudonymiser(b"k" * 32)
    federation, catalogue = FederationDirectory(pseudonymiser), Catalogue()
    relationships = Relationships(pseudonymiser)
    information = PolicyInformationPoint(
        federation=federation,
        catalogue=catalogue,
        relationships=relationships,
        pseudonymiser=pseudonymiser,
        reads_today=lambda _session, _service, _now: 0,
    )
    decisions, clock, numbers = DecisionService(engine, information), FixedClock(NOW), itertools.count(1)
    signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
    finder = CandidateFinder(
        federation=federation, catalogue=catalogue, relationships=relationships, pseudonymiser=pseudonymiser
    )
    decisions.load(data)
    acting = ActingSubjects(federation, pseudonymiser, office="QHL")
    with AuditLog(database, pseudonymiser, Vault(b"e" * 32), signer, clock, ORIGIN) as audit:
        service = SearchService(
            decisions=decisions,
            acting=acting,
            finder=finder,
            policy=lambda: made.data,
            catalogue=catalogue,
            recorder=Recorder(audit, clock, Source("imaging-governance", "QHL"), lambda: f"search-{next(numbers)}"),
            terms=CurrentTerms(database, decisions, _NothingNew()),
            clock=clock,
            metrics=Metrics(),
        )
        made = SearchWorld(
            database, pseudonymiser, federation, catalogue, relationships, decisions, acting, audit, service, data
        )
        yield made
