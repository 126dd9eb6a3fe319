"""Whose rows a writer may write: a table of attempts on each register, on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.catalogue import Study
from governance.clock import FixedClock
from governance.errors import Forbidden, InvalidInput, NotFound
from governance.federation import (
    EVERY_TRUST,
    WHOLE_REGION,
    AiManifest,
    Contacts,
    IdentityProvider,
    Person,
    ServiceClient,
    Trust,
)
from governance.pseudonyms import Vault
from governance.registers import OPERATOR, Network, Writer
from governance.registers import claims as whose
from governance.registers.lines import Line
from governance.registers.lines import study as merged
from governance.registers.writers import Claim, refusals
from governance.relationships import WIDE_KINDS, KnownPatient, PatientFlag
from governance.storage import Database
from governance.vocabulary import Attestation, Purpose, RelationshipKind, Role, Scope, SubjectType
from tests.worlds.registers import BOTH, OFFICE, RegisterWorld, register_world, said, writer
from tests.worlds.registers import ISSUER as ISSUER_OF_OURS
from tests.worlds.tokens import KeyPair

RRK, RKB, RL4 = writer("RRK"), writer("RKB"), writer("RL4")
JOINED = writer("RRK", "RKB")  # registered for both
IDLE_OFFICE = writer("QHL")  # a service of the operating organisation that is registered for nobody else
UID, PATIENT = "1.2.3", "9990000018"
STUDY: dict[str, Any] = {"id": UID, "custodians": ["RRK"], "patient": PATIENT, "modality": "CT"}
STUDY |= {"study_date": "2026-11-20", "body_part": "HEAD", "labels": ["sealed"]}
STAFF: dict[str, Any] = {"id": "u-1", "ods": "RRK", "role": "clinician", "training_valid_to": "2027-01-01"}
EDGE: dict[str, Any] = {"id": "e-1", "kind": "order", "subject": "u-1", "patient": PATIENT, "ods": "RRK"}
EDGE |= {"from": "2026-11-20T08:00:00Z", "until": "2026-12-20T08:00:00Z", "source": "ris-rrk"}
ROTA: dict[str, Any] = {"id": "r", "kind": "rota", "subject": "radiologist.rkb", "ods": "RRK"}
ROTA |= {"from": "2026-11-20T08:00:00Z", "until": "2026-12-20T08:00:00Z", "source": "ris-rrk"}
KEYS = {"keys": [KeyPair.ec("k1").public]}
PANEL = ServiceClient("panel", "RRK", "Panel", SubjectType.SERVICE, KEYS)
TRIAGE = ServiceClient("triage", "RL4", "Triage", SubjectType.AI_SERVICE, KEYS, ai_version="2.1")
MANIFEST = AiManifest(
    "triage", "2.1", frozenset({"CT"}), frozenset({"HEAD"}), frozenset({"RRK"}), frozenset({Purpose.TREAT}), 400
)
ISSUER = IdentityProvider("https://id.rrk.example", "RRK", "https://id.rrk.example/jwks", ("us",))
NATIONAL = IdentityProvider("https://cis2.example", None, "https://cis2.example/jwks", ("us",))
OFFICER = Person(ISSUER.issuer, "officer-1", "RRK", frozenset({Role.IG_OFFICER}))
SECRET = "abcdefghijklmnopqrstuvwxyz0123456789"
SCOPED = frozenset({Scope.CONTEXT_WRITE.value, Scope.FEDERATION_WRITE.value, Scope.AGREEMENTS_WRITE.value})


@pytest.fixture
def world(database: Database, clock: FixedClock) -> RegisterWorld:
    made = register_world(database, clock)
    for ods in ("RRK", "RKB", "RL4", "QHL"):
        made.registrations.trust(OPERATOR, Trust(ods, f"Trust {ods}"))
    for name, row in (("staff", STAFF), ("studies", STUDY), ("edges", EDGE)):
        assert made.feed(name, RRK, row).rejected == ()
    return made


def known(world: RegisterWorld) -> KnownPatient | None:
    with world.database.reading() as session:
        return world.relationships.patient(session, world.pseudonymiser.patient(PATIENT), world.clock.now())


def filed(world: RegisterWorld) -> tuple[object, ...]:
    """Give everything the feeds wrote."""
    with world.database.reading() as session:
        return (
            world.catalogue.studies(session, [UID, "1.2.4"]),
            world.relationships.edges(session, ["e-1", "e-2", "r"]),
            world.federation.staff_of(session, ["RRK", "RKB", "RL4"]),
            world.relationships.patients_said(session, [world.pseudonymiser.patient(PATIENT)]),
        )


REFUSED: list[tuple[str, Writer, str, dict[str, Any], str]] = [
    ("a rota of RRK for a reader of RKB", RL4, "edges", ROTA, "/ods"),
    ("an edge of RRK, by its id", RL4, "edges", EDGE | {"ods": "RL4"}, "/id"),
    ("an edge about a study of RRK", RL4, "edges", EDGE | {"id": "e-2", "ods": "RL4", "study_uid": UID}, "/study_uid"),
    (
        "a referral about a study of RRK",
        RL4,
        "edges",
        EDGE | {"id": "e-2", "kind": "referral", "ods": "RL4", "study_uid": UID, "subject": "nobody"},
        "/study_uid",
    ),
    (
        "an edge about a study that is not on file yet",
        RL4,
        "edges",
        EDGE | {"id": "e-2", "ods": "RL4", "patient": None, "study_uid": "1.2.9"},
        "/study_uid",
    ),
    ("a member of staff of RRK", RL4, "staff", STAFF, "/ods"),
    ("what RRK says of a patient", RL4, "patients", {"id": PATIENT, "ods": "RRK", "flags": []}, "/ods"),
    (
        "a national opt-out",
        RL4,
        "patients",
        {"id": PATIENT, "opt_out": False, "opt_out_checked_at": "2026-11-24T11:00:00Z"},
        "/opt_out",
    ),
    ("a study of RRK, re-owned", RL4, "studies", STUDY | {"custodians": ["RL4"]}, "/id"),
    ("a study of RRK, as it is", RL4, "studies", STUDY, "/id"),
    ("a study of RRK, owned by nobody", RL4, "studies", STUDY | {"custodians": []}, "/id"),
    ("a new study of RRK", RL4, "studies", STUDY | {"id": "1.2.4"}, "/custodians"),
    ("a new study with RRK beside it", RL4, "studies", STUDY | {"id": "1.2.4", "custodians": ["RL4", "RRK"]}, "/custo"),
    ("a new study of nobody", RL4, "studies", STUDY | {"id": "1.2.4", "custodians": []}, "/custodians"),
    ("RKB beside itself", RRK, "studies", STUDY | {"custodians": ["RRK", "RKB"]}, "/custodians"),
    ("for RRK, as the operating organisation's own service", IDLE_OFFICE, "staff", STAFF, "/ods"),
    (
        "the region's word, as a trust registered for two",
        JOINED,
        "studies",
        STUDY | {"id": "1.2.4", "custodians": []},
        "/",
    ),
]


@pytest.mark.parametrize(
    ("by", "feed", "row", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_line_of_another_is_refused_and_its_neighbours_are_kept(
    world: RegisterWorld, by: Writer, feed: str, row: dict[str, Any], path: str
) -> None:
    own = {"id": "own-1", "ods": by.ods, "role": "nurse"} if feed == "staff" else None
    before = filed(world)
    taken = world.feed(feed, by, row)
    assert (taken.accepted, [fault.line for fault in taken.rejected]) == (0, [1])
    assert taken.rejected[0].reason.startswith(path)
    assert filed(world) == before
    if own is not None:
        beside = world.feed(feed, by, own, row, own | {"id": "own-2"})
        assert (beside.accepted, [fault.line for fault in beside.rejected]) == (2, [2])


@pytest.mark.parametrize(
    ("feed", "row", "guesses", "told"),
    [
        (
            "studies",
            STUDY | {"custodians": ["RL4"]},
            {
                "patient": "9990000026",
                "modality": "MR",
                "study_date": "2026-11-21",
                "body_part": "CHEST",
                "labels": ["sensitive"],
                "custodians": ["RKB"],
            },
            "/id: is another trust's study",
        ),
        (
            "edges",
            {name: value for name, value in EDGE.items() if name != "until"} | {"ods": "RL4"},
            {
                "patient": "9990000026",
                "subject": "u-2",
                "kind": "worklist",
                "from": "2026-12-21T08:00:00Z",
                "study_uid": UID,
                "ods": "RRK",
            },
            "/id: is on file as another trust's relationship",
        ),
    ],
    ids=["studies", "edges"],
)
def test_whoever_guesses_at_another_trusts_row_is_not_told_when_they_are_right(
    world: RegisterWorld, feed: str, row: dict[str, Any], guesses: dict[str, Any], told: str
) -> None:
    for guess in ({}, *({name: value} for name, value in guesses.items())):
        (fault,) = world.feed(feed, RL4, row | guess).rejected
        assert fault.reason == told, guess


def test_a_stranger_learns_nothing_of_a_study_by_an_act_on_it(world: RegisterWorld) -> None:
    for labels in ([], ["sealed"]):
        with pytest.raises(Forbidden) as refused:
            world.studies.labels(RL4, UID, labels)
        assert refused.value.detail == "This is not yours to write. /id: is another trust's study"
    for custodians in (["RL4"], ["RRK", "RL4"]):
        with pytest.raises(Forbidden) as refused:
            world.studies.custodians(RL4, UID, custodians)
        assert refused.value.detail == "This is not yours to write. /id: is another trust's study"


@pytest.mark.parametrize("by", [OFFICE, OPERATOR, writer("RJE", "RRK")], ids=["region", "operator", "named"])
def test_who_is_registered_for_a_trust_writes_for_it(world: RegisterWorld, by: Writer) -> None:
    for feed, row in (
        ("staff", STAFF),
        ("edges", EDGE),
        ("edges", ROTA),
        ("studies", STUDY),
        ("patients", {"id": PATIENT, "ods": "RRK"}),
    ):
        assert world.feed(feed, by, row).rejected == ()
    assert world.feed("studies", by, STUDY | {"id": "1.2.4"}).accepted == 1


def test_a_line_without_labels_leaves_them_and_one_with_labels_adds(world: RegisterWorld) -> None:
    bare = {name: value for name, value in STUDY.items() if name not in {"labels", "custodians", "body_part"}}
    for by in (RRK, OFFICE):
        assert world.feed("studies", by, bare, STUDY | {"labels": []}, STUDY | {"labels": None}).rejected == ()
        kept = world.study()
        assert kept is not None
        assert (kept.labels, kept.custodians, kept.body_part) == ({"sealed"}, ("RRK",), "HEAD")
    world.feed("studies", RRK, bare | {"labels": ["sensitive"], "body_part": None})
    kept = world.study()
    assert kept is not None
    assert (kept.labels, kept.body_part) == ({"sealed", "sensitive"}, None)


def test_an_address_that_staff_are_written_to_at_stays_until_it_is_changed_or_taken_away(world: RegisterWorld) -> None:
    def address() -> str | None:
        with world.database.reading() as session:
            member = world.federation.staff(session, world.pseudonymiser.subject("u-1"))
            assert member is not None
            return Contacts(Vault(b"e" * 32)).of(session, member)

    assert address() is None
    world.feed("staff", RRK, STAFF | {"contact": "u1@rrk.example"}, STAFF)
    assert address() == "u1@rrk.example"
    world.feed("staff", RRK, STAFF)
    assert address() == "u1@rrk.example"
    refused = world.feed("staff", RRK, STAFF | {"contact": "u1 at rrk"}).rejected
    assert [fault.reason for fault in refused] == [
        "/contact: a mail address is name@host, in ASCII, 254 characters at most"
    ]
    world.feed("staff", RKB, STAFF | {"contact": "elsewhere@rkb.example"})  # not theirs to say
    assert address() == "u1@rrk.example"
    world.feed("staff", RRK, STAFF | {"contact": None})
    assert address() is None


def test_absent_members_of_staff_and_edges_stay_and_null_ones_go(world: RegisterWorld) -> None:
    world.feed("staff", RRK, {"id": "u-1", "ods": "RRK", "role": "nurse"})
    world.feed("edges", RRK, {name: value for name, value in EDGE.items() if name != "until"})
    with world.database.reading() as session:
        member = world.federation.staff(session, world.pseudonymiser.subject("u-1"))
        edge = world.relationships.edges(session, ["e-1"])["e-1"]
    assert member is not None
    assert (member.role, member.training_valid_to) == ("nurse", date(2027, 1, 1))
    assert edge.valid_until is not None
    world.feed("staff", RRK, STAFF | {"training_valid_to": None})
    late = EDGE | {"from": "2026-12-21T00:00:00Z"}
    del late["until"]
    assert world.feed("edges", RRK, late).rejected[0].reason == "/until: on file is not after from"
    assert world.feed("edges", RRK, late | {"until": None}).rejected == ()
    with world.database.reading() as session:
        member = world.federation.staff(session, world.pseudonymiser.subject("u-1"))
        edge = world.relationships.edges(session, ["e-1"])["e-1"]
    assert member is not None
    assert (member.training_valid_to, edge.valid_until) == (None, None)


def test_an_id_of_another_trusts_staff_is_somebody_else_at_ones_own(world: RegisterWorld) -> None:
    assert world.feed("staff", RL4, {"id": "u-1", "ods": "RL4", "role": "nurse"}).rejected == ()
    with world.database.reading() as session:
        called = world.federation.namesakes(session, world.pseudonymiser.subject("u-1"))
    assert {(one.ods, one.role) for one in called} == {("RRK", STAFF["role"]), ("RL4", "nurse")}


def test_what_a_trust_says_of_a_patient_is_its_own(world: RegisterWorld) -> None:
    row = {"id": PATIENT, "flags": ["vip"], "staff_id": "u-1", "household_key": "aGg="}
    world.feed("patients", RRK, row)
    world.feed("patients", RKB, {"id": PATIENT, "flags": ["incident"], "staff_id": "u-2"})
    world.feed("patients", RL4, {"id": PATIENT, "flags": [], "staff_id": None, "household_key": None})
    now = known(world)
    assert now is not None
    assert now.flags == {PatientFlag.VIP, PatientFlag.INCIDENT}
    assert now.staff == {world.pseudonymiser.subject("u-1"), world.pseudonymiser.subject("u-2")}
    assert [said.ods for said in now.said] == ["RKB", "RL4", "RRK"]
    world.feed("patients", RRK, {"id": PATIENT, "flags": []})
    now = known(world)
    assert now is not None
    assert (now.flags, now.household_keys) == ({PatientFlag.INCIDENT}, {"aGg="})


def test_the_region_s_word_of_a_patient_stands_beside_the_trusts(world: RegisterWorld) -> None:
    checked = {"opt_out": True, "opt_out_checked_at": "2026-11-24T11:00:00Z"}
    assert world.feed("patients", RRK, {"id": PATIENT, "flags": ["vip"]}).rejected == ()
    assert world.feed("patients", OFFICE, {"id": PATIENT, **checked}).rejected == ()
    now = known(world)
    assert now is not None
    assert ([said.ods for said in now.said], now.opt_out) == (["RRK"], True), "a check alone puts no row on file"


def test_a_new_study_says_who_answers_for_it(world: RegisterWorld) -> None:
    row = STUDY | {"id": "1.2.4"}
    del row["custodians"]
    taken = world.feed("studies", OFFICE, row)
    assert taken.rejected[0].reason == "/custodians: is required: the study is not on file"


@pytest.mark.parametrize(
    ("feed", "row", "always"),
    [("studies", STUDY, {"id"}), ("edges", EDGE, {"id", "ods"}), ("staff", STAFF, {"id", "ods"})],
)
def test_of_what_is_on_file_a_line_may_leave_out_all_but_its_key(
    world: RegisterWorld, feed: str, row: dict[str, Any], always: set[str]
) -> None:
    """``always`` names what a row is found by; what is left out stays, and of something new it is required."""
    before = kept(world)
    for name in row.keys() - always:
        assert world.feed(feed, RRK, {member: row[member] for member in always | {name}}).rejected == ()
    assert world.feed(feed, RRK, {member: row[member] for member in always}).rejected == ()
    assert kept(world) == before
    required = {"studies": {"custodians", "patient", "modality", "study_date"}, "staff": {"role"}}
    required["edges"] = {"kind", "subject", "from", "source"}
    for name in required[feed]:
        new = {member: value for member, value in row.items() if member != name} | {"id": "1.2.99"}
        (fault,) = world.feed(feed, RRK, new).rejected
        assert fault.reason.startswith(f"/{name}: is required: the "), fault
        assert world.feed(feed, RRK, row | {name: None}).rejected[0].reason.startswith(f"/{name}: is required")
    assert kept(world) == before


def kept(world: RegisterWorld) -> list[object]:
    with world.database.reading() as session:
        return [
            world.study(),
            world.federation.namesakes(session, world.pseudonymiser.subject("u-1")),
            world.relationships.edges(session, ["e-1"]),
            world.catalogue.studies(session, ["1.2.99"]),
        ]


def test_one_member_alone_changes_one_member(world: RegisterWorld) -> None:
    world.feed("studies", RRK, {"id": UID, "modality": "MR"})
    world.feed("edges", RRK, {"id": "e-1", "ods": "RRK", "subject": "u-2"})
    study = world.study()
    assert study is not None
    assert (study.modality, study.study_date, study.labels) == ("MR", date(2026, 11, 20), {"sealed"})
    with world.database.reading() as session:
        edge = world.relationships.edges(session, ["e-1"])["e-1"]
    assert (edge.subject, edge.source) == (world.pseudonymiser.subject("u-2"), "ris-rrk")


@pytest.mark.parametrize("kind", list(RelationshipKind))
def test_only_pool_project_and_rota_may_name_neither_patient_nor_study(
    world: RegisterWorld, kind: RelationshipKind
) -> None:
    wide = ROTA | {"id": f"w-{kind}", "kind": kind.value, "subject": "u-1"}
    for row in (wide, wide | {"patient": None, "study_uid": None}, EDGE | {"kind": kind.value, "patient": None}):
        taken = world.feed("edges", RRK, row)
        assert (taken.rejected == ()) == (kind in WIDE_KINDS)
        assert all(fault.reason.startswith("/patient: ") for fault in taken.rejected)
    assert world.feed("edges", RRK, EDGE | {"kind": kind.value}).rejected == ()


def test_an_until_before_the_beginning_on_file_is_refused(world: RegisterWorld) -> None:
    short = {"id": "e-1", "ods": "RRK", "until": "2026-11-19T00:00:00Z"}
    assert world.feed("edges", RRK, short).rejected[0].reason == "/until: is not after from, on file"


def test_a_label_that_is_none_is_refused_and_the_known_ones_are_named(world: RegisterWorld) -> None:
    words = "must be one of decoy, sealed, sensitive"
    (fault,) = world.feed("studies", RRK, {"id": UID, "labels": ["selaed"]}).rejected
    assert fault.reason == f"/labels/0: {words}"
    with pytest.raises(InvalidInput) as refused:
        world.studies.labels(RRK, UID, ["sealed", "selaed"])
    assert [(one.path, one.message) for one in refused.value.faults] == [("/labels/1", words)]


def test_lines_of_one_feed_follow_each_other(world: RegisterWorld) -> None:
    new = STUDY | {"id": "1.2.4", "labels": ["decoy"]}
    bare = {name: value for name, value in new.items() if name not in {"custodians", "labels"}}
    assert world.feed("studies", RRK, new, bare | {"labels": ["sealed"]}).accepted == 2
    kept = world.study("1.2.4")
    assert kept is not None
    assert kept.labels == {"decoy", "sealed"}


def test_an_owner_lowers_labels_and_the_log_keeps_before_and_after(world: RegisterWorld) -> None:
    made = world.studies.labels(RRK, UID, ["sensitive"])
    assert made.labels == {"sensitive"}
    assert world.study() == made
    (record,) = [one for one in world.records() if "changed" in one.detail]
    assert said(record) == {"changed": "labels", "before": ["sealed"], "after": ["sensitive"]}
    assert record.subject == RRK.subject
    assert record.resource is not None
    assert (record.resource.study, record.resource.custodian) == (world.pseudonymiser.study(UID), "RRK")


def test_custody_is_shared_and_given_up_by_those_it_belongs_to(world: RegisterWorld) -> None:
    assert world.studies.custodians(RRK, UID, ["RRK", "RKB", "RKB"]).custodians == ("RRK", "RKB")
    with pytest.raises(Forbidden, match=r"/labels: .* RKB"):
        world.studies.labels(RRK, UID, [])
    with pytest.raises(Forbidden, match="/custodians: leaves out RRK"):
        world.studies.custodians(RKB, UID, ["RKB"])
    changed = world.feed("studies", RKB, STUDY | {"patient": "9990000026", "custodians": ["RKB"]})
    assert changed.rejected[0].reason.startswith("/patient")
    assert world.feed("studies", RKB, STUDY | {"custodians": ["RKB"], "labels": ["sensitive"]}).accepted == 1
    assert world.studies.labels(JOINED, UID, []).labels == frozenset()
    assert world.studies.custodians(RRK, UID, ["RKB"]).custodians == ("RKB",)
    with pytest.raises(Forbidden, match="/id"):
        world.studies.labels(RRK, UID, [])
    told = [said(one) for one in world.records() if one.detail.get("changed") == "custodians"]
    assert told == [
        {"changed": "custodians", "before": ["RRK"], "after": ["RRK", "RKB"]},
        {"changed": "custodians", "before": ["RRK", "RKB"], "after": ["RKB"]},
    ]


def test_a_study_of_nobody_is_the_region_s(world: RegisterWorld) -> None:
    assert world.studies.custodians(RRK, UID, []).custodians == ()
    for by in (RRK, RL4):
        assert world.feed("studies", by, STUDY | {"custodians": [by.ods]}).accepted == 0
        with pytest.raises(Forbidden):
            world.studies.custodians(by, UID, [str(by.ods)])
    assert world.studies.custodians(OFFICE, UID, ["RL4"]).custodians == ("RL4",)


@pytest.mark.parametrize("act", ["labels", "custodians"])
def test_an_act_of_a_stranger_and_one_that_cannot_be_change_nothing(world: RegisterWorld, act: str) -> None:
    before, size = filed(world), world.log.tree_head()
    perform = getattr(world.studies, act)
    for stranger in (RL4, IDLE_OFFICE, replace(RRK, scopes=frozenset())):
        with pytest.raises(Forbidden):
            perform(stranger, UID, [])
    with pytest.raises(NotFound):
        perform(RRK, "1.2.999", [])
    with pytest.raises(InvalidInput) as refused:
        perform(RRK, UID, ["Not One"])
    assert [fault.path for fault in refused.value.faults] == [f"/{act}/0"]
    with pytest.raises(InvalidInput):
        perform(RRK, UID, ["x"] * 21)
    assert (filed(world), world.log.tree_head()) == (before, size)


def test_an_owner_writes_edges_about_its_images_for_anybody(world: RegisterWorld) -> None:
    row = EDGE | {"id": "e-2", "subject": "radiologist.rkb", "patient": None, "study_uid": UID, "kind": "worklist"}
    assert world.feed("edges", RRK, row).rejected == ()
    order = EDGE | {"id": "e-3", "ods": "RKB", "study_uid": "1.2.9"}
    assert world.feed("edges", RKB, order).rejected == (), "an order of RKB's own for a patient of RKB's"


REFERRAL: dict[str, Any] = EDGE | {"id": "ref-1", "kind": "referral", "subject": "surgeon", "study_uid": UID}
REFERRAL |= {"ods": "RKB", "source": "ris-rkb"}


def counted(world: RegisterWorld) -> list[str]:
    """Give the trust whose relationship is on file under the referral's id, if there is one."""
    with world.database.reading() as session:
        return [edge.ods for edge in world.relationships.edges(session, ["ref-1"]).values()]


def test_a_referral_about_a_third_trusts_study_counts_once_both_its_ends_have_said_so(world: RegisterWorld) -> None:
    assert world.feed("staff", RL4, {"id": "surgeon", "ods": "RL4", "role": "clinician"}).accepted == 1
    first = world.feed("edges", RKB, REFERRAL)
    assert (first.accepted, [one.line for one in first.waiting], counted(world)) == (1, [1], [])
    assert world.records()[-1].detail == {"feed": "edges", "accepted": 1, "rejected": 0, "waiting": 1}
    assert world.feed("edges", RKB, REFERRAL).waiting, "its own repetition is no second end"
    otherwise = world.feed("edges", RL4, REFERRAL | {"until": "2027-12-20T08:00:00Z"})
    assert ([one.line for one in otherwise.waiting], counted(world)) == ([1], [])
    second = world.feed("edges", RL4, REFERRAL | {"source": "ris-rl4"})
    assert (second.accepted, second.waiting, counted(world)) == (1, (), ["RKB"])
    changed = world.feed("edges", RL4, REFERRAL | {"until": "2027-12-20T08:00:00Z"})
    assert ([one.line for one in changed.waiting], counted(world)) == ([1], []), "they agree no longer"


def test_nobody_but_two_ends_makes_a_referral_of_a_third_trusts_study(world: RegisterWorld) -> None:
    world.feed("staff", RL4, {"id": "surgeon", "ods": "RL4", "role": "clinician"})
    for by, row, path in (
        (RL4, REFERRAL | {"ods": "RL4"}, "/study_uid"),  # both ends are one trust
        (RKB, REFERRAL | {"subject": "nobody"}, "/study_uid"),  # the other end is not known
        (writer("RJE"), REFERRAL, "/ods"),  # no end at all
        (RL4, REFERRAL | {"kind": "order"}, "/ods"),
    ):
        taken = world.feed("edges", by, row)
        assert (taken.accepted, taken.rejected[0].reason.startswith(path), counted(world)) == (0, True, [])
    world.feed("edges", RKB, REFERRAL)
    assert world.feed("edges", RRK, REFERRAL | {"ods": "RRK"}).rejected == (), "the custodian needs nobody"
    assert world.feed("edges", RL4, REFERRAL).rejected[0].reason.startswith("/id")
    assert counted(world) == ["RRK"]


def test_the_custodian_replaces_a_referral_of_two_others(world: RegisterWorld) -> None:
    world.feed("staff", RL4, {"id": "surgeon", "ods": "RL4", "role": "clinician"})
    both = world.feed("edges", writer("RKB", "RL4"), REFERRAL)
    assert (both.waiting, counted(world)) == ((), ["RKB"])
    assert world.feed("edges", RRK, REFERRAL | {"ods": "RRK"}).rejected == ()
    assert world.feed("edges", RKB, REFERRAL).rejected[0].reason.startswith("/id")
    assert counted(world) == ["RRK"]


# Registrations


def seeded(world: RegisterWorld) -> None:
    rooms = world.registrations
    rooms.identity_provider(OPERATOR, ISSUER)
    rooms.identity_provider(OPERATOR, NATIONAL)
    rooms.client(OPERATOR, PANEL)
    rooms.client(OPERATOR, replace(PANEL, client_id="office-rrk", scopes=SCOPED))
    rooms.client(OPERATOR, TRIAGE)
    rooms.manifest(OPERATOR, MANIFEST)
    rooms.person(OPERATOR, OFFICER)


REGISTERED = {
    "another trust's name": lambda rooms, by: rooms.trust(by, Trust("RRK", "Ours now")),
    "a new trust": lambda rooms, by: rooms.trust(by, Trust("RJE", "North Midlands")),
    "a national issuer": lambda rooms, by: rooms.identity_provider(
        by, replace(ISSUER, issuer="https://x.example", ods=None)
    ),
    "an issuer of RRK": lambda rooms, by: rooms.identity_provider(by, replace(ISSUER, issuer="https://x.example")),
    "RRK's issuer": lambda rooms, by: rooms.identity_provider(by, replace(ISSUER, ods="RL4")),
    "the national issuer": lambda rooms, by: rooms.identity_provider(by, replace(NATIONAL, ods="RL4")),
    "a client of RRK": lambda rooms, by: rooms.client(by, replace(PANEL, client_id="x")),
    "a client of the operator": lambda rooms, by: rooms.client(by, replace(PANEL, client_id="x", ods="QHL")),
    "RRK's client": lambda rooms, by: rooms.client(by, replace(PANEL, ods="RL4")),
    "a scope it does not hold": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", scopes=frozenset({Scope.AUDIT_READ.value}))
    ),
    "a client for the region": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", writes_for=frozenset({WHOLE_REGION}))
    ),
    "a client that writes for RRK": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", writes_for=frozenset({"RRK"}))
    ),
    "a client that asks about people of RRK": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", asks_for=frozenset({"RRK"}))
    ),
    "a client that asks about everybody": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", asks_for=frozenset({EVERY_TRUST}))
    ),
    "a client that attests": lambda rooms, by: rooms.client(
        by, replace(PANEL, client_id="x", ods="RL4", attests=frozenset(Attestation))
    ),
    "a secret of RRK's client": lambda rooms, by: rooms.credentials(by, "panel", [], SECRET),
    "approval of what reads RRK's images": lambda rooms, by: rooms.approve(by, "triage", "2.1"),
    "a person of RRK": lambda rooms, by: rooms.person(by, replace(OFFICER, subject="x")),
    "RRK's person": lambda rooms, by: rooms.person(by, replace(OFFICER, ods="RL4")),
    "a person of RRK's issuer": lambda rooms, by: rooms.person(by, replace(OFFICER, subject="x", ods="RL4")),
}


@pytest.mark.parametrize("name", REGISTERED)
def test_a_trust_registers_nothing_of_another_s(world: RegisterWorld, name: str) -> None:
    seeded(world)
    before = world.everything()
    for stranger in (RL4, replace(IDLE_OFFICE, ods="RL4")):
        with pytest.raises(Forbidden) as refused:
            REGISTERED[name](world.registrations, stranger)
        assert refused.value.reason == "row.not_yours"
        assert world.everything() == before
    REGISTERED[name](world.registrations, OFFICE)


def test_a_secret_is_registered_by_nobody_who_holds_less_than_its_service(world: RegisterWorld) -> None:
    seeded(world)
    with pytest.raises(Forbidden, match="/scopes"):
        world.registrations.credentials(RRK, "office-rrk", [], SECRET)
    world.registrations.credentials(replace(RRK, scopes=SCOPED), "office-rrk", [], SECRET)
    world.registrations.credentials(RRK, "panel", [], SECRET)


def test_a_trust_registers_its_own(world: RegisterWorld) -> None:
    seeded(world)
    rooms = world.registrations
    rooms.trust(RRK, Trust("RRK", "Another name"))
    rooms.identity_provider(RRK, replace(ISSUER, audiences=("them",)))
    rooms.client(RRK, replace(PANEL, name="Panels", scopes=frozenset({Scope.CONTEXT_WRITE.value})))
    rooms.client(JOINED, replace(PANEL, writes_for=frozenset({"RKB"})))
    rooms.person(RRK, replace(OFFICER, roles=frozenset({Role.SOC_ANALYST})))
    rooms.person(RRK, replace(OFFICER, issuer=NATIONAL.issuer, subject="officer-2"))
    rooms.manifest(RL4, replace(MANIFEST, trusts=frozenset({"RL4", "RRK"})))
    with pytest.raises(Forbidden, match=r"/trusts: .* RRK"):
        rooms.approve(RL4, "triage", "2.1")
    rooms.approve(writer("RL4", "RRK"), "triage", "2.1")
    with pytest.raises(Forbidden):
        rooms.withdraw(RKB, "triage", "2.1")
    rooms.withdraw(RRK, "triage", "2.1")  # whose images it reads


def test_a_registration_for_trusts_that_are_none_is_refused(world: RegisterWorld) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.registrations.client(OPERATOR, replace(PANEL, writes_for=frozenset({"RJE", "no"})))
    assert {fault.path for fault in refused.value.faults} == {"/writes_for"}


# The rule itself, whatever the rows

TRUSTS = ("RRK", "RKB", "RL4", "RJE")
trusts = st.frozensets(st.sampled_from(TRUSTS), max_size=3)
writers = st.builds(
    lambda ods, more: Writer(None, ods, BOTH, more),
    st.sampled_from(TRUSTS),
    st.frozensets(st.sampled_from(TRUSTS), max_size=2),
)
studies = st.builds(
    lambda custodians, patient, labels: Study(
        UID, "t-1", tuple(custodians), patient, "CT", None, date(2026, 11, 20), labels
    ),
    st.lists(st.sampled_from(TRUSTS), unique=True, max_size=3),
    st.sampled_from(("p-1", "p-2")),
    st.frozensets(st.sampled_from(("sealed", "sensitive"))),
)


@given(writers, trusts)
def test_a_claim_is_met_by_whoever_writes_for_one_of_its_trusts(by: Writer, wanted: frozenset[str]) -> None:
    claim = Claim("/x", wanted, "is not yours")
    met = bool(({by.ods} | by.writes_for) & wanted)
    assert (refusals(by, [claim]) == ()) is met
    assert refusals(OPERATOR, [claim]) == refusals(OFFICE, [claim]) == ()


@given(writers, studies, st.none() | studies, st.booleans())
def test_no_line_takes_a_study_or_lowers_it(by: Writer, sent: Study, on_file: Study | None, named: bool) -> None:
    line = Line(1, sent, frozenset({"custodians", "labels"} if named else ()))
    made = merged(line, on_file)
    if refusals(by, whose.study(made, on_file)):
        return
    theirs = {by.ods} | by.writes_for
    assert theirs & set(made.custodians)
    if on_file is None:
        assert set(made.custodians) <= theirs
        return
    assert theirs & set(on_file.custodians)
    assert made.custodians[: len(on_file.custodians)] == on_file.custodians
    assert set(made.custodians) - set(on_file.custodians) <= theirs
    assert made.labels >= on_file.labels
    assert made.patient == on_file.patient or on_file.custodians[0] in theirs


@given(writers, studies, studies)
def test_no_act_takes_from_another_what_is_its_own(by: Writer, on_file: Study, wanted: Study) -> None:
    theirs = {by.ods} | by.writes_for
    if not refusals(by, whose.custodians(on_file, wanted.custodians)):
        assert set(on_file.custodians) - set(wanted.custodians) <= theirs
        assert theirs & set(on_file.custodians)
    if not refusals(by, whose.labels(on_file, wanted.labels)) and on_file.labels - wanted.labels:
        assert set(on_file.custodians) <= theirs


@pytest.mark.parametrize(
    "own", [ISSUER_OF_OURS, f"{ISSUER_OF_OURS}/", "https://Governance.test:443", f"{ISSUER_OF_OURS}/token"]
)
def test_this_services_own_address_is_nobodys_to_register(world: RegisterWorld, own: str) -> None:
    provider = IdentityProvider(own, "RRK", "https://id.rrk.example/jwks", ("us",))
    archive = replace(PANEL, token_audience=own)
    document = Network([], [provider], [archive], [], [])
    attempts: list[tuple[Callable[[Writer], None], list[str]]] = [
        (lambda by: world.registrations.identity_provider(by, provider), ["/issuer"]),
        (lambda by: world.registrations.client(by, archive), ["/token_audience"]),
        (
            lambda by: world.registrations.network(by, document),
            ["/identity_providers/0/issuer", "/clients/0/token_audience"],
        ),
    ]
    for register, paths in attempts:
        for by in (RRK, OPERATOR):
            with pytest.raises(InvalidInput) as refused:
                register(by)
            assert [(fault.path, "reserved" in fault.message) for fault in refused.value.faults] == [
                (path, True) for path in paths
            ]
    world.registrations.client(RRK, replace(PANEL, token_audience=f"{ISSUER_OF_OURS}.example"))
