"""What is on file when history begins is known since index 0, as a feed would have written it; on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from governance.agreements.known import agreement_fact
from governance.catalogue import Study
from governance.catalogue.known import STUDY, study_fact
from governance.facts import Fact
from governance.federation import AiManifest, Registered, ServiceClient, StaffMember, Standing
from governance.federation.known import STAFF, manifest_fact, service_fact, staff_fact, standing_fact, team_fact
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Edge, PatientContext, PatientFlag
from governance.relationships.known import PATIENT, edge_fact, patient_fact
from governance.storage import Database, migrate, to_microseconds
from governance.vocabulary import Purpose, RelationshipKind, SubjectType
from tests.worlds.facts import FactWorld

NAMES = Pseudonymiser(b"k" * 32)
NIA, PAT, UID = NAMES.subject("nia"), NAMES.patient("9990000018"), NAMES.study("1.2.3")
AT = datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=UTC)
STAFF_ROW = StaffMember(
    NIA,
    "RRK",
    "nurse",
    department="ED",
    site="W1",
    team_ids=("night", 'a "team"'),
    patient_key=PAT,
    household_key="h-1",
    surname_key="n-1",
    surname_share=0.0125,
    postcode_key="c-1",
    training_valid_to=date(2026, 12, 1),
    leaves_on=date(2027, 1, 1),
)
PLAIN_ROW = StaffMember(NIA, "RKB", "clinician", issuer="https://national.example")
EDGE = Edge("e-1", RelationshipKind.REFERRAL, NIA, PAT, UID, "RRK", AT, AT + timedelta(days=1), "ris", "RKB")
WIDE = Edge("e-2", RelationshipKind.ROTA, NIA, None, None, "RRK", AT, None, "rota")
CASE = Study("1.2.3", UID, ("RRK", "RKB"), PAT, "CT", "HEAD", date(2026, 2, 1), frozenset({"sealed", "decoy"}))
BARE = Study("1.2.4", NAMES.study("1.2.4"), (), PAT, "MR", None, date(2026, 2, 2))
SAID = PatientContext(
    PAT,
    household_key="h-1",
    surname_key="n-1",
    surname_share=0.5,
    staff=NIA,
    flags=frozenset({PatientFlag.VIP}),
    deceased_on=date(2026, 2, 3),
    ods="RRK",
)
REGION = PatientContext(PAT)
CLIENT = ServiceClient("ai-head", "RRK", "AI", SubjectType.AI_SERVICE, {"keys": []}, ai_version="1")
MANIFEST = AiManifest(
    "ai-head", "1", frozenset({"CT", "MR"}), frozenset(), frozenset({"RRK"}), frozenset({Purpose.TREAT}), 50, AT
)
STANDINGS = [
    Standing(Registered.CLIENT, "ai-head", suspended_at=AT, not_before=AT),
    Standing(Registered.PERSON, f"RRK {NIA}", deleted_at=AT),
]
FACTS: list[Fact] = [
    staff_fact(STAFF_ROW),
    staff_fact(PLAIN_ROW),
    team_fact(NAMES.subject("night"), "RRK"),
    edge_fact(EDGE),
    edge_fact(WIDE),
    study_fact(CASE),
    study_fact(BARE),
    patient_fact(SAID),
    patient_fact(REGION),
    service_fact(CLIENT),
    manifest_fact(MANIFEST),
    *map(standing_fact, STANDINGS),
    agreement_fact("care", 2, "active", AT, AT, AT + timedelta(days=9), None),
]


@pytest.fixture
def world(empty_database: Database, vault: Vault) -> FactWorld:
    """Fill a database of the revision before history, then bring it to the newest."""
    with empty_database.transaction() as session:
        command.upgrade(migrate.configuration(session.connection()), "0017")
    with empty_database.transaction() as session:
        connection = session.connection()
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, rows in on_file().items():
            for row in rows:
                connection.execute(sa.insert(tables.tables[name]).values(row))
    migrate.upgrade(empty_database)
    return FactWorld(empty_database, vault)


def on_file() -> dict[str, list[dict[str, object]]]:
    """Give the rows as they were kept, in an order that foreign keys allow."""
    moment = to_microseconds(AT)
    national = {"issuer": "https://national.example", "jwks_uri": "https://national.example/jwks", "audiences": ["a"]}
    return {
        "federation_trust": [{"ods": ods, "name": ods} for ods in ("RRK", "RKB")],
        "federation_identity_provider": [national],
        "federation_staff": [
            {name: getattr(one, name) for name in STAFF_COLUMNS} | {"team_ids": list(one.team_ids)}
            for one in (STAFF_ROW, PLAIN_ROW)
        ],
        "federation_team": [{"team": NAMES.subject("night"), "ods": "RRK"}],
        "federation_service_client": [
            {name: [] for name in ("scopes", "audiences", "asks_for", "attests", "writes_for")}
            | {"client_id": "ai-head", "ods": "RRK", "name": "AI", "kind": "ai_service", "jwks": {}, "ai_version": "1"}
        ],
        "federation_ai_manifest": [
            {name: sorted(getattr(MANIFEST, name)) for name in ("modalities", "body_parts", "trusts", "purposes")}
            | {"service_id": "ai-head", "version": "1", "daily_volume": 50, "approved_at": moment}
        ],
        "federation_standing": [
            {"kind": "client", "name": "ai-head", "suspended_at": moment, "not_before": moment, "generation": 0},
            {"kind": "person", "name": f"RRK {NIA}", "deleted_at": moment, "generation": 1},
        ],
        "catalogue_study": [
            {name: getattr(one, name) for name in STUDY_COLUMNS} | {"labels": sorted(one.labels)}
            for one in (CASE, BARE)
        ],
        "catalogue_custodian": [
            {"study_uid": "1.2.3", "ods": ods, "position": place} for place, ods in ((1, "RKB"), (0, "RRK"))
        ],
        "relationships_edge": [
            {name: getattr(one, name) for name in EDGE_COLUMNS}
            | {"kind": one.kind.value, "valid_from": to_microseconds(one.valid_from)}
            | {"valid_until": None if one.valid_until is None else to_microseconds(one.valid_until)}
            for one in (EDGE, WIDE)
        ],
        "relationships_patient": [
            {name: getattr(one, name) for name in PATIENT_COLUMNS} | {"flags": sorted(one.flags), "ods": one.ods or ""}
            for one in (SAID, REGION)
        ],
        "agreement_version": [
            {"agreement_id": "care", "version": 2, "title": "Care", "text": "{}", "text_hash": "0", "status": "active"}
            | dict.fromkeys(("status_changed_at", "begins_at", "loaded_at"), moment)
            | {"ends_at": to_microseconds(AT + timedelta(days=9))}
        ],
    }


TIES = ("household_key", "surname_key", "surname_share", "postcode_key")
STAFF_COLUMNS = (
    *("id", "ods", "issuer", "role", "department", "site", "patient_key", *TIES),
    *("training_valid_to", "leaves_on"),
)
STUDY_COLUMNS = ("study_uid", "study", "patient", "modality", "body_part", "study_date")
EDGE_COLUMNS = ("id", "subject", "patient", "study", "ods", "source", "named_by")
PATIENT_COLUMNS = ("patient", *TIES, "staff", "deceased_on")


def test_what_was_on_file_is_what_a_feed_that_sends_it_again_would_have_written(world: FactWorld) -> None:
    assert world.write(9, *FACTS) == 0
    with world.database.reading() as session:
        versions = session.connection().execute(sa.text("SELECT known_since, superseded FROM fact_version")).all()
    assert [tuple(row) for row in versions] == [(0, None)] * len(FACTS)


def test_what_is_sealed_afterwards_says_the_same_and_nothing_is_left_open(world: FactWorld) -> None:
    assert world.keeper.seal_the_first() == 4, "two rows of staff, two of the patient"
    with world.database.reading() as session:
        stored = str(session.connection().execute(sa.text("SELECT * FROM fact_version")).all())
    for tie in ("h-1", "n-1", "c-1", "night", "vip", "1.2.3", "2026-02-03"):
        assert tie not in stored
    assert world.write(9, *FACTS) == 0


def test_a_change_after_the_upgrade_is_a_version_of_its_own(world: FactWorld) -> None:
    assert (
        world.write(9, staff_fact(replace(STAFF_ROW, household_key="h-2")), study_fact(replace(CASE, custodians=())))
        == 2
    )
    known = {at: world.known(at, (STAFF, STUDY), subjects=[NIA], studies=[UID]) for at in (9, 10)}
    assert [len(found) for found in known.values()] == [3, 3]
    (member,) = (one for one in known[9] if one.kind == STAFF and one.ods == "RRK")
    assert world.secrets([member])[0]["household_key"] == "h-1"
    assert world.known(9, (PATIENT,), patients=[PAT])
