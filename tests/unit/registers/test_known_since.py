"""Every change of a register is known from its record on, with that record's index; on both databases."""

import hmac
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from governance.clock import FixedClock
from governance.facts import FactKey, History, Span, Version, Wanted
from governance.federation import AiManifest, Registered, ServiceClient, Trust
from governance.federation.known import known_staff
from governance.registers import Ending, Target
from governance.relationships.known import known_edge, known_patient
from governance.storage import Database
from governance.vocabulary import Purpose, SubjectType
from tests.worlds.basics import NOON
from tests.worlds.decisions import KEY, POINT
from tests.worlds.registers import OFFICE, TIE_KEYS, RegisterWorld, register_world, writer

RRK = writer("RRK")
PATIENT, OTHER = "9990000018", "9990000026"
EDGE: dict[str, object] = {
    "id": "e-1",
    "kind": "order",
    "subject": "nia",
    "patient": PATIENT,
    "ods": "RRK",
    "from": "2026-11-24T08:00:00Z",
    "source": "ris-rrk",
}
STUDY: dict[str, object] = {
    "id": "1.2.3",
    "custodians": ["RRK"],
    "patient": PATIENT,
    "modality": "CT",
    "study_date": "2026-11-20",
}


@pytest.fixture
def world(database: Database, clock: FixedClock) -> RegisterWorld:
    """Register two trusts: the first two records of the log."""
    made = register_world(database, clock)
    for ods in ("RRK", "RKB"):
        made.registrations.trust(OFFICE, Trust(ods, f"Trust {ods}"))
    return made


def newest(world: RegisterWorld) -> int:
    """Give the index of the newest record."""
    return world.log.tree_head()[0] - 1


def changed(world: RegisterWorld, since: int = 0) -> list[FactKey]:
    with world.database.reading() as session:
        return History(world.vault).versions_since(session, since, 1_000)


def known(world: RegisterWorld, at: int, kind: str, **names: Sequence[str]) -> list[Version]:
    with world.database.reading() as session:
        return History(world.vault).read(session, Wanted([kind], **names), Span(at, at))


def secret(world: RegisterWorld, version: Version) -> dict[str, object]:
    with world.database.reading() as session:
        return History(world.vault).opener(session).secret(version)


def member(world: RegisterWorld, name: str = "nia", at: int = 1_000) -> str | None:
    """Give the patient that a member of staff was known to be."""
    (found,) = known(world, at, "staff", subjects=[world.pseudonymiser.subject(name)])
    return known_staff(found, secret(world, found)).patient_key


def test_rows_of_each_feed_carry_the_index_of_the_record_that_tells_of_their_batch(world: RegisterWorld) -> None:
    told: dict[str, int] = {}
    for feed, row in (
        ("edges", EDGE),
        ("studies", STUDY),
        ("staff", {"id": "nia", "ods": "RRK", "role": "nurse", "team_ids": ["night"]}),
        ("patients", {"id": PATIENT, "surname_key": "aa", "flags": ["vip"]}),
    ):
        assert world.feed(feed, RRK, row).rejected == ()
        told[feed] = newest(world)
    assert [(one.at, one.kind) for one in changed(world)] == [
        (told["edges"], "edge"),
        (told["studies"], "study"),
        (told["staff"], "staff"),
        (told["staff"], "team"),
        (told["patients"], "patient"),
    ]


def test_a_feed_that_is_sent_again_unchanged_makes_no_version_and_a_changed_row_one(world: RegisterWorld) -> None:
    rows = [EDGE, EDGE | {"id": "e-2", "patient": OTHER}]
    world.feed("edges", RRK, *rows)
    before = len(changed(world))
    world.feed("edges", RRK, *rows)
    assert len(changed(world)) == before == 2
    world.feed("edges", RRK, {"id": "e-2", "ods": "RRK", "until": "2026-11-25T08:00:00Z"})
    patient = world.pseudonymiser.patient(OTHER)
    ends = [known(world, at, "edge", patients=[patient])[0].valid_until for at in (newest(world), newest(world) + 1)]
    assert ends[0] is None
    assert ends[1] is not None


def test_a_refused_line_and_a_record_that_is_refused_leave_nothing_known(world: RegisterWorld) -> None:
    world.feed("edges", writer("RKB"), EDGE)
    assert changed(world) == []


def test_what_bounds_an_edge_is_known_and_absent_members_leave_it(world: RegisterWorld) -> None:
    project = EDGE | {
        "kind": "project",
        "purpose": "HRESCH",
        "destination": "tre.example",
        "limit": 40,
        "site": "RRK01",
        "until": "2026-12-24T08:00:00Z",
    }
    assert world.feed("edges", RRK, project).rejected == ()
    assert world.feed("edges", RRK, {"id": "e-1", "ods": "RRK", "limit": 50, "site": None}).rejected == ()
    (found,) = known(world, 1_000, "edge", keys=["e-1"])
    edge = known_edge(found)
    assert (edge.purpose, edge.destination, edge.limit, edge.site) == (Purpose.HRESCH, "tre.example", 50, None)
    with world.database.reading() as session:
        assert world.relationships.edges(session, ["e-1"])["e-1"] == edge


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": True}, {"limit": 1.5}, {"purpose": "FUN"}, {"site": ""}])
def test_a_bound_that_is_none_is_a_fault_of_its_field(world: RegisterWorld, wrong: dict[str, object]) -> None:
    (fault,) = world.feed("edges", RRK, EDGE | wrong).rejected
    assert fault.reason.startswith(f"/{next(iter(wrong))}: ")


def test_a_referral_that_its_ends_no_longer_agree_on_is_known_to_be_gone(world: RegisterWorld) -> None:
    world.feed("studies", OFFICE, STUDY | {"custodians": ["QHL"]})
    world.registrations.trust(OFFICE, Trust("QHL", "Office"))
    world.feed("staff", writer("RKB"), {"id": "kim", "ods": "RKB", "role": "clinician"})
    referral = EDGE | {"kind": "referral", "subject": "kim", "study_uid": "1.2.3"}
    world.feed("edges", RRK, referral)
    assert [one.kind for one in changed(world) if one.kind == "edge"] == [], "one end's word is no edge"
    world.feed("edges", writer("RKB"), referral)
    assert [one.key for one in known(world, 1_000, "edge", keys=["e-1"])] == ["e-1"]
    world.feed("edges", writer("RKB"), referral | {"until": "2026-11-25T08:00:00Z"})
    assert known(world, 1_000, "edge", keys=["e-1"]) == []
    assert len(known(world, newest(world), "edge", keys=["e-1"])) == 1


def test_ties_of_people_are_sealed_and_names_are_pseudonyms(world: RegisterWorld, database: Database) -> None:
    ties = {"household_key": "0a1b2c", "surname_key": "3d4e5f", "surname_share": 0.5, "postcode_key": "6a7b8c"}
    member = {"id": "nia", "ods": "RRK", "role": "nurse", "manager": "boss", "team_ids": ["t"]}
    marks = {"staff_id": "nia", "flags": ["vip"], "deceased_on": "2026-11-01"}
    world.feed("staff", RRK, member | ties)
    world.feed("patients", RRK, {"id": PATIENT, **marks, **ties})
    world.feed("studies", RRK, STUDY)
    world.feed("edges", RRK, EDGE)
    with database.reading() as session:
        stored = str(session.connection().execute(text("SELECT * FROM fact_version")).all())
    for said in (*map(str, ties.values()), "vip", "2026-11-01", PATIENT, "1.2.3", "boss", "nia", '"t"'):
        assert said not in stored
    patient = world.pseudonymiser.patient(PATIENT)
    (version,) = known(world, 1_000, "patient", patients=[patient])
    with database.reading() as session:
        (said,) = world.relationships.patients_said(session, [patient])
    assert known_patient(version, secret(world, version)) == said
    nia = world.pseudonymiser.subject("nia")
    (version,) = known(world, 1_000, "staff", subjects=[nia])
    with database.reading() as session:
        assert known_staff(version, secret(world, version)) == world.federation.staff(session, nia, "RRK")


def test_an_explicit_act_on_a_study_is_known_from_its_record_on(world: RegisterWorld) -> None:
    world.feed("studies", RRK, STUDY)
    world.studies.labels(RRK, "1.2.3", ["decoy"])
    name = world.pseudonymiser.study("1.2.3")
    labels = [known(world, at, "study", studies=[name])[0].said().get("labels") for at in (newest(world), 1_000)]
    assert labels == [None, ["decoy"]]
    world.studies.custodians(RRK, "1.2.3", ["RRK", "RKB"])
    assert known(world, 1_000, "study", studies=[name])[0].said()["custodians"] == ["RRK", "RKB"]


def test_a_service_its_manifest_and_its_standing_are_known(world: RegisterWorld) -> None:
    client = ServiceClient("triage", "RRK", "Triage", SubjectType.AI_SERVICE, {"keys": [KEY | POINT]}, ai_version="1")
    manifest = AiManifest(
        "triage", "1", frozenset({"CT"}), frozenset({"HEAD"}), frozenset({"RRK"}), frozenset({Purpose.TREAT}), 50
    )
    world.registrations.client(RRK, client)
    world.registrations.manifest(RRK, manifest)
    world.registrations.approve(RRK, "triage", "1")
    approved = newest(world)
    world.registrations.withdraw(RRK, "triage", "1")
    world.endings.act(RRK, Target(Registered.CLIENT, "triage"), Ending.SUSPEND)
    assert [one.kind for one in changed(world, 2) if not one.before] == [
        "service",
        "manifest",
        "manifest",
        "manifest",
        "standing",
    ]
    said = [known(world, at, "manifest", subjects=["triage"])[0].said() for at in (approved, approved + 1, 1_000)]
    assert [(one.get("approved_at") is not None, one.get("withdrawn_at") is not None) for one in said] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_an_opt_out_has_no_history(world: RegisterWorld, database: Database) -> None:
    checked = {"opt_out": True, "opt_out_checked_at": "2026-11-24T11:00:00Z"}
    world.feed("patients", OFFICE, {"id": PATIENT, **checked})
    world.feed("patients", OFFICE, {"id": PATIENT, "flags": ["vip"], **checked, "opt_out": False})
    with database.reading() as session:
        stored = str(session.connection().execute(text("SELECT * FROM fact_version")).all())
    assert "opt" not in stored
    for one in known(world, 1_000, "patient", patients=[world.pseudonymiser.patient(PATIENT)]):
        assert "opt_out" not in secret(world, one)


def test_a_feed_of_opt_outs_is_counted_and_no_digest_of_a_patient_is_in_the_log(
    world: RegisterWorld, database: Database
) -> None:
    lines = [
        {"id": patient, "opt_out": True, "opt_out_checked_at": "2026-11-24T11:00:00Z"} for patient in (PATIENT, OTHER)
    ]
    assert world.feed("patients", OFFICE, *lines).accepted == 2
    record = world.log.entry(newest(world))
    assert record.detail == {"feed": "patients", "accepted": 2, "rejected": 0, "opt_outs": 2}
    assert changed(world) == []
    patient = world.pseudonymiser.patient(PATIENT)
    with database.reading() as session:
        found = world.relationships.patient(session, patient, NOON)
        many = world.relationships.patients(session, [patient], NOON)
    assert found is not None
    assert (found.opt_out, found.said, many[patient]) == (True, (), found)


def test_an_opt_out_beside_something_else_or_of_whom_something_is_on_file_hides_nothing(
    world: RegisterWorld, database: Database
) -> None:
    check: dict[str, object] = {"opt_out": True, "opt_out_checked_at": "2026-11-24T11:00:00Z"}
    world.feed("patients", OFFICE, {"id": PATIENT, "flags": ["vip"], **check})
    world.feed("patients", OFFICE, {"id": PATIENT, **check})
    patient = world.pseudonymiser.patient(PATIENT)
    with database.reading() as session:
        found = world.relationships.patient(session, patient, NOON)
    assert found is not None
    assert (found.opt_out, [flag.value for flag in found.flags]) == (True, ["vip"])
    world.feed("patients", OFFICE, {"id": PATIENT, "flags": [], **check})
    with database.reading() as session:
        cleared = world.relationships.patient(session, patient, NOON)
    assert cleared is not None
    assert (cleared.opt_out, cleared.flags) == (True, frozenset())


# Patients who are staff


def keyed(digits: str, tie_key: str = "2026a") -> str:
    return hmac.digest(TIE_KEYS[tie_key], digits.encode(), "sha256").hex()


@pytest.mark.parametrize("feed", ["patients", "studies"])
@pytest.mark.parametrize("first", ["staff", "patient"])
@pytest.mark.parametrize("tie_key", ["2026a", "2025b"])
def test_a_keyed_hash_ties_a_member_of_staff_to_the_patient_whichever_came_first(
    world: RegisterWorld, feed: str, first: str, tie_key: str
) -> None:
    told = {"id": PATIENT} if feed == "patients" else STUDY
    lines = [
        ("staff", {"id": "nia", "ods": "RRK", "role": "nurse", "patient_key": f"{tie_key}:{keyed(PATIENT, tie_key)}"}),
        (feed, told),
    ]
    for name, line in lines if first == "staff" else reversed(lines):
        assert world.feed(name, RRK, line).rejected == ()
    assert member(world) == world.pseudonymiser.patient(PATIENT)
    if first == "staff":
        assert member(world, at=newest(world)) != world.pseudonymiser.patient(PATIENT), "nobody knew before the patient"
    before = len(changed(world))
    for name, line in lines:
        world.feed(name, RRK, line)
    assert len(changed(world)) == before, "sent again, it says nothing new"


def test_a_key_of_no_patient_or_under_no_key_of_the_region_is_nobodys(world: RegisterWorld) -> None:
    world.feed("patients", RRK, {"id": PATIENT})
    strange = hmac.digest(b"x" * 32, PATIENT.encode(), "sha256").hex()
    for key in (keyed(OTHER), strange):
        world.feed("staff", RRK, {"id": "nia", "ods": "RRK", "role": "nurse", "patient_key": key})
        assert member(world) == f"k-{key}"


def test_an_nhs_number_and_a_pseudonym_are_taken_as_they_were(world: RegisterWorld) -> None:
    pseudonym = world.pseudonymiser.patient(PATIENT)
    for key in (PATIENT, pseudonym):
        world.feed("staff", RRK, {"id": "nia", "ods": "RRK", "role": "nurse", "patient_key": key})
        assert member(world) == pseudonym


def test_of_a_patient_who_was_erased_no_key_is_kept(world: RegisterWorld, database: Database) -> None:
    patient = world.pseudonymiser.patient(PATIENT)
    world.feed("patients", RRK, {"id": PATIENT, "flags": ["vip"]})
    keys = [f"k-{keyed(PATIENT, name)}" for name in TIE_KEYS]
    with database.reading() as session:
        assert world.relationships.patients_of_keys(session, keys) == dict.fromkeys(keys, patient)
    with database.transaction() as session:
        world.vault.destroy(session, patient, NOON)
        world.relationships.forget_patient_keys(session, patient)
    world.feed("patients", RRK, {"id": PATIENT, "flags": ["vip"]})
    with database.reading() as session:
        assert world.relationships.patients_of_keys(session, keys) == {}


def test_an_edge_without_ods_is_the_writers_and_the_office_has_to_say_whose(world: RegisterWorld) -> None:
    bare = {name: value for name, value in EDGE.items() if name != "ods"}
    assert world.feed("edges", RRK, bare).rejected == ()
    with world.database.reading() as session:
        assert world.relationships.edges(session, ["e-1"])["e-1"].ods == "RRK"
    assert world.feed("edges", OFFICE, {"id": "e-1", "until": "2026-11-25T08:00:00Z"}).rejected == ()
    (fault,) = world.feed("edges", OFFICE, bare | {"id": "e-2"}).rejected
    assert "/ods: is required" in fault.reason
