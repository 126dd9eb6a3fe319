"""Whom a client may ask about and whose word counts: the one rule, by itself, on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from governance.access import ActingSubjects, asker_of
from governance.decisions import AccessRequest, ProvenSubject, RequestSubject
from governance.federation import EVERY_TRUST, FederationDirectory, ServiceClient, StaffMember, Trust
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import Action, Attestation, Purpose, ReasonCode, SubjectType
from tests.worlds.decisions import KEY, POINT

PERSON, SERVICE = SubjectType.PRACTITIONER, SubjectType.SERVICE
BOTH = frozenset(Attestation)
CLIENTS = {
    "viewer-rkb": ServiceClient("viewer-rkb", "RKB", "Viewer", SERVICE, {"keys": [KEY | POINT]}, attests=BOTH),
    "plain-rkb": ServiceClient("plain-rkb", "RKB", "Viewer", SERVICE, {"keys": [KEY | POINT]}),
    "viewer-rrk": ServiceClient("viewer-rrk", "RRK", "Viewer", SERVICE, {"keys": [KEY | POINT]}, attests=BOTH),
    "pool-rrk": ServiceClient(
        "pool-rrk", "RRK", "Pool", SERVICE, {"keys": [KEY | POINT]}, asks_for=frozenset({"RKB"}), attests=BOTH
    ),
    "office": ServiceClient(
        "office", "QHL", "Office", SERVICE, {"keys": [KEY | POINT]}, asks_for=frozenset({EVERY_TRUST}), attests=BOTH
    ),
    "idle-office": ServiceClient("idle-office", "QHL", "Office", SERVICE, {"keys": [KEY | POINT]}, attests=BOTH),
}


class Rule:
    """The rule over a register of two trusts: RKB has ``kelly``, a consultant radiologist."""

    def __init__(self, database: Database, pseudonymiser: Pseudonymiser) -> None:
        self.database = database
        federation = FederationDirectory(pseudonymiser)
        self.acting = ActingSubjects(federation, pseudonymiser, office="QHL")
        with database.transaction() as session:
            for ods in ("QHL", "RKB", "RRK"):
                federation.register_trust(session, Trust(ods, ods))
            for client in CLIENTS.values():
                federation.register_client(session, client)
            member = StaffMember(pseudonymiser.subject("kelly"), "RKB", "consultant_radiologist")
            federation.upsert_staff(session, [member])

    def settle(self, asker: str, token: ProvenSubject | None = None, **said: Any) -> AccessRequest:
        """Give what the rule makes of a question about kelly, or whoever is said."""
        subject = replace(RequestSubject("kelly", PERSON, None, None), **said)
        asked = AccessRequest(subject, Action.READ, Purpose.TREAT, "1.2.3", token_subject=token)
        client = CLIENTS.get(asker, ServiceClient(asker, "RKB", asker, SERVICE, {"keys": []}))
        with self.database.reading() as session:
            return self.acting.settle(asked, asker_of(client), session)


@pytest.fixture
def rule(database: Database, pseudonymiser: Pseudonymiser) -> Rule:
    """Put the rule over a register."""
    return Rule(database, pseudonymiser)


@pytest.mark.parametrize("asker", ["viewer-rkb", "pool-rrk", "office"])
@pytest.mark.parametrize("said", [{}, {"ods": "RKB"}, {"role": "consultant_radiologist"}])
def test_organisation_and_role_are_those_of_the_register(rule: Rule, asker: str, said: dict[str, str]) -> None:
    settled = rule.settle(asker, **said)
    assert settled.refusal is None
    assert (settled.subject.ods, settled.subject.role) == ("RKB", "consultant_radiologist")


@pytest.mark.parametrize(
    ("asker", "said"),
    [
        ("viewer-rkb", {"ods": "RRK"}),
        ("viewer-rrk", {"ods": "RKB"}),
        ("pool-rrk", {"ods": "RWP"}),
        ("idle-office", {"ods": "RKB"}),
        ("nobody", {}),
        ("viewer-rrk", {"ods": "RKB", "id": "nobody"}),
        ("viewer-rrk", {"ods": "RKB", "id": "viewer-rkb", "type": SERVICE}),
    ],
)
def test_a_client_asks_about_no_other_trusts_people_whether_they_exist_or_not(
    rule: Rule, asker: str, said: dict[str, Any]
) -> None:
    assert rule.settle(asker, **said).refusal is ReasonCode.ASKER_NOT_ENTITLED


@pytest.mark.parametrize("asker", ["viewer-rrk", "idle-office"])
def test_without_a_trust_another_trusts_person_is_as_unknown_as_nobody(rule: Rule, asker: str) -> None:
    about = [rule.settle(asker, id=name, assurance=3).subject for name in ("kelly", "nobody")]
    assert {(one.ods, one.role, one.assurance) for one in about} == {(CLIENTS[asker].ods, None, None)}


@pytest.mark.parametrize("role", ["clinician", "ig_officer"])
def test_another_role_than_the_registers_is_none(rule: Rule, role: str) -> None:
    assert rule.settle("viewer-rkb", role=role).subject.role is None


def test_another_trust_than_the_registers_leaves_the_person_unknown(rule: Rule) -> None:
    settled = rule.settle("office", ods="RRK", assurance=3)
    assert settled.refusal is None
    assert (settled.subject.ods, settled.subject.assurance) == ("RRK", None)


@pytest.mark.parametrize(
    ("asker", "assurance", "device"),
    [("viewer-rkb", 3, True), ("office", 3, True), ("plain-rkb", None, None), ("pool-rrk", None, None)],
)
def test_a_client_attests_for_its_own_trusts_people_alone(
    rule: Rule, asker: str, assurance: int | None, device: bool | None
) -> None:
    subject = rule.settle(asker, assurance=3, managed_device=True).subject
    assert (subject.assurance, subject.managed_device) == (assurance, device)


def test_that_a_device_is_not_managed_is_believed_of_anybody(rule: Rule) -> None:
    assert rule.settle("plain-rkb", managed_device=False).subject.managed_device is False


TOKEN = ProvenSubject("kelly", PERSON, "clinician", "RWP", 2)


@pytest.mark.parametrize("asker", ["viewer-rkb", "viewer-rrk", "plain-rkb"])
def test_a_token_says_who_acts_whoever_presents_it(rule: Rule, asker: str) -> None:
    settled = rule.settle(asker, TOKEN, assurance=3, managed_device=True)
    assert settled.refusal is None
    subject = settled.subject
    assert (subject.ods, subject.role, subject.assurance, subject.proven) == ("RWP", "clinician", 2, True)
    assert subject.managed_device is None


def test_what_is_said_beside_a_token_can_only_lower_it(rule: Rule) -> None:
    assert rule.settle("plain-rkb", TOKEN, assurance=1).subject.assurance == 1
    assert rule.settle("plain-rkb", TOKEN, ods="RKB").subject.ods is None
    assert rule.settle("plain-rkb", TOKEN, role="consultant_radiologist").subject.role is None
    unsaid = replace(TOKEN, assurance=None, ods="RKB")
    assert rule.settle("plain-rkb", unsaid, assurance=3).subject.assurance is None
    assert rule.settle("viewer-rkb", unsaid, assurance=3, managed_device=True).subject.assurance == 3
    assert rule.settle("viewer-rrk", unsaid, assurance=3).subject.assurance is None


def test_a_service_is_one_of_its_own_trust_or_unknown(rule: Rule) -> None:
    assert rule.settle("viewer-rkb", id="plain-rkb", type=SERVICE).subject.ods == "RKB"
    assert rule.settle("viewer-rrk", id="plain-rkb", type=SERVICE).subject.ods == "RRK"  # where none is registered


def test_what_was_settled_is_settled_the_same_again(rule: Rule) -> None:
    once = rule.settle("office", assurance=2, managed_device=True).subject
    again = {name: getattr(once, name) for name in ("role", "ods", "assurance", "managed_device")}
    assert rule.settle("office", **again).subject == once
