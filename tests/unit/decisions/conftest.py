"""The region that the tests of this room share."""

from datetime import timedelta

import pytest

from governance.catalogue import Catalogue
from governance.decisions import PolicyInformationPoint
from governance.federation import AiManifest, FederationDirectory, ServiceClient, Trust
from governance.pseudonyms import Pseudonymiser
from governance.relationships import PatientContext, Relationships
from governance.storage import Database
from governance.vocabulary import Purpose, SubjectType
from tests.worlds.decisions import KEY, NOW, POINT, Region


@pytest.fixture
def region(database: Database, pseudonymiser: Pseudonymiser) -> Region:
    """Fill a database with the region."""
    federation, catalogue = FederationDirectory(pseudonymiser), Catalogue()
    relationships = Relationships(pseudonymiser)
    information = PolicyInformationPoint(
        federation=federation,
        catalogue=catalogue,
        relationships=relationships,
        pseudonymiser=pseudonymiser,
        reads_today=lambda _session, service, _now: 7 if service == "ich-triage" else 0,
    )
    made = Region(database, federation, catalogue, relationships, pseudonymiser, information)
    with database.transaction() as session:
        for ods in ("RKB", "RRK"):
            federation.register_trust(session, Trust(ods, f"Trust {ods}"))
        federation.upsert_staff(session, [made.staff()])
        for name, kind in (("ich-triage", SubjectType.AI_SERVICE), ("viewer", SubjectType.SERVICE)):
            version = "2.1.0" if kind is SubjectType.AI_SERVICE else None
            keys = {"keys": [KEY | POINT]}
            federation.register_client(session, ServiceClient(name, "RKB", name, kind, keys, ai_version=version))
        manifest = AiManifest(
            "ich-triage",
            "2.1.0",
            frozenset({"CT"}),
            frozenset({"HEAD"}),
            frozenset({"RRK"}),
            frozenset({Purpose.TREAT}),
            100,
        )
        federation.register_manifest(session, manifest)
        federation.approve_manifest(session, "ich-triage", "2.1.0", NOW - timedelta(days=1))
        catalogue.upsert(session, [made.study()])
        relationships.upsert_edges(session, [made.edge()])
        relationships.upsert_patients(
            session, [PatientContext(made.patient, opt_out=True, opt_out_checked_at=NOW - timedelta(hours=1))]
        )
    return made
