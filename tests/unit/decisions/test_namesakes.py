"""A person is (issuer, subject): one trust's ``jsmith`` inherits nothing of another's, whatever ties are on file."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from governance.decisions import AccessRequest, PolicyInformationPoint, RequestSubject
from governance.emergency import Grant, Scope
from governance.federation import Registered, StaffMember, Standing, Trust, person_name
from governance.relationships import SERVICES, WIDE_KINDS
from governance.vocabulary import Action, Purpose, RelationshipKind, SubjectType
from tests.worlds.decisions import NOW, STUDY_UID, Region

NATIONAL = "https://cis2.example"
NAME, TEAM = "jsmith", "neuro"
TRUSTS = ("RKB", "RRK", "RNA")


@pytest.fixture
def names(region: Region) -> Region:
    """Put a jsmith on the staff of two trusts: trained and of a team at RRK, neither at RKB."""
    jsmith = region.pseudonymiser.subject(NAME)
    trained = StaffMember(jsmith, "RRK", "consultant_radiologist", team_ids=(TEAM,), training_valid_to=date(2027, 1, 1))
    region.change(lambda s: region.federation.register_trust(s, Trust("RNA", "RNA")))
    region.change(lambda s: region.federation.upsert_staff(s, [trained, StaffMember(jsmith, "RKB", "clinician")]))
    region.change(lambda s: region.relationships.upsert_edges(s, [region.edge(valid_until=NOW)]))
    return region


def asked(ods: str, named_by: str | None = None, **more: Any) -> AccessRequest:
    """Ask about the jsmith of a trust."""
    subject = RequestSubject(NAME, SubjectType.PRACTITIONER, "clinician", ods, 3, named_by=named_by, **more)
    return AccessRequest(subject, Action.READ, Purpose.TREAT, STUDY_UID)


def ties(region: Region, request: AccessRequest) -> list[str]:
    """Give the kinds of the ties that count for a request, alone and read with another, in a list too."""
    found = [tie["kind"] for tie in region.gather(request)["relationships"]]
    with region.database.reading() as session:
        region.information.prepare([request, replace(request, purpose=Purpose.HRESCH)], session, NOW)
        together = region.information.gather(request, session, NOW)["relationships"]
        _, listed = region.information.gather_unnamed(request, session, NOW)
    assert [tie["kind"] for tie in together] == found
    assert {edge.kind.value for edge in listed} >= set(found)
    return found


def tie(region: Region, kind: RelationshipKind, subject: str, **more: Any) -> None:
    """Put one edge on file that leads to the study."""
    wide = {"patient": None} if kind in WIDE_KINDS else {}
    edge = region.edge(
        id="e-1", kind=kind, subject=region.pseudonymiser.subject(subject), **({"ods": "RRK"} | wide | more)
    )
    region.change(lambda s: region.relationships.upsert_edges(s, [edge]))


def test_who_is_suspended_is_known_no_more_and_their_namesake_is(names: Region) -> None:
    standing = Standing(Registered.PERSON, person_name("RRK", names.pseudonymiser.subject(NAME)))
    for now, known in ((standing.suspended(NOW), False), (standing, True)):
        names.change(lambda s, now=now: names.federation.register_standing(s, now))
        assert [names.gather(asked(ods))["subject"]["known"] for ods in ("RRK", "RKB")] == [known, True]


def test_what_the_staff_register_says_of_one_is_not_said_of_the_other(names: Region) -> None:
    own, other = names.gather(asked("RRK"))["subject"], names.gather(asked("RKB"))["subject"]
    assert (own["known"], own["training_valid"]) == (True, True)
    assert (other["known"], other["training_valid"]) == (True, None)
    assert names.gather(asked("RNA"))["subject"]["known"] is False


def test_a_token_of_another_trusts_issuer_finds_nobody_who_is_only_called_the_same(names: Region) -> None:
    assert names.gather(asked("RNA", "RNA", proven=True))["subject"]["known"] is False
    assert names.gather(asked("RRK", "RNA", proven=True))["subject"]["known"] is False
    assert names.gather(asked("RRK", NATIONAL, proven=True))["subject"]["known"] is False
    assert names.gather(asked("RRK", "RRK", proven=True))["subject"]["known"] is True


@pytest.mark.parametrize("kind", RelationshipKind)
@pytest.mark.parametrize("subject", [NAME, TEAM])
def test_a_tie_is_that_of_the_trusts_own(names: Region, kind: RelationshipKind, subject: str) -> None:
    tie(names, kind, subject)
    assert ties(names, asked("RRK")) == [kind.value]
    assert ties(names, asked("RKB")) == []


@pytest.mark.parametrize("kind", RelationshipKind)
def test_a_tie_of_a_third_trust_is_nobodys_where_two_are_called_the_same(names: Region, kind: RelationshipKind) -> None:
    names.change(lambda s: names.catalogue.upsert(s, [names.study(custodians=("RRK", "RNA"))]))
    tie(names, kind, NAME, ods="RNA")
    assert ties(names, asked("RRK")) == ties(names, asked("RKB")) == []


@pytest.mark.parametrize("kind", RelationshipKind)
def test_a_tie_that_says_in_whose_names_is_theirs_whichever_trust_reports_it(
    names: Region, kind: RelationshipKind
) -> None:
    tie(names, kind, NAME, named_by="RKB")
    assert ties(names, asked("RKB")) == [kind.value]
    assert ties(names, asked("RRK")) == []


def test_a_tie_of_the_only_one_of_a_name_is_theirs_whichever_trust_reports_it(names: Region) -> None:
    member = StaffMember(names.pseudonymiser.subject("only"), "RKB", "clinician", team_ids=("stroke",))
    names.change(lambda s: names.federation.upsert_staff(s, [member]))
    request = replace(asked("RKB"), subject=replace(asked("RKB").subject, id="only"))
    for subject in ("only", "stroke"):
        tie(names, RelationshipKind.WORKLIST, subject)
        assert ties(names, request) == ["worklist"]


def test_a_team_of_one_trust_is_not_the_team_of_another_that_is_called_the_same(names: Region) -> None:
    member = StaffMember(names.pseudonymiser.subject("other"), "RKB", "clinician", team_ids=(TEAM,))
    names.change(lambda s: names.federation.upsert_staff(s, [member]))
    request = replace(asked("RKB"), subject=replace(asked("RKB").subject, id="other"))
    tie(names, RelationshipKind.MDT, TEAM)
    assert ties(names, request) == []
    assert ties(names, asked("RRK")) == ["mdt"]
    tie(names, RelationshipKind.MDT, TEAM, named_by="RKB")
    assert ties(names, request) == ["mdt"]


def test_a_team_that_has_no_members_any_more_is_inherited_by_nobody(names: Region) -> None:
    jsmith = StaffMember(names.pseudonymiser.subject(NAME), "RRK", "consultant_radiologist")
    other = StaffMember(names.pseudonymiser.subject("other"), "RKB", "clinician", team_ids=(TEAM,))
    names.change(lambda s: names.federation.upsert_staff(s, [jsmith, other]))
    tie(names, RelationshipKind.MDT, TEAM)
    assert ties(names, replace(asked("RKB"), subject=replace(asked("RKB").subject, id="other"))) == []


def test_a_user_who_is_called_like_another_trusts_team_has_no_tie_of_it(names: Region) -> None:
    member = StaffMember(names.pseudonymiser.subject(TEAM), "RKB", "clinician")
    names.change(lambda s: names.federation.upsert_staff(s, [member]))
    tie(names, RelationshipKind.MDT, TEAM)
    assert ties(names, replace(asked("RKB"), subject=replace(asked("RKB").subject, id=TEAM))) == []


def test_a_user_who_is_called_like_a_service_has_no_tie_of_it(names: Region) -> None:
    member = StaffMember(names.pseudonymiser.subject("viewer"), "RRK", "clinician")
    names.change(lambda s: names.federation.upsert_staff(s, [member]))
    tie(names, RelationshipKind.ORDER, "viewer", named_by=SERVICES)
    assert ties(names, replace(asked("RRK"), subject=replace(asked("RRK").subject, id="viewer"))) == []
    service = RequestSubject("viewer", SubjectType.SERVICE, None, "RKB")
    assert ties(names, replace(asked("RKB"), subject=service)) == ["order"]


def test_a_national_person_is_the_same_at_every_trust_and_nobodys_namesake(names: Region) -> None:
    row = StaffMember(names.pseudonymiser.subject(NAME), "RKB", "clinician", issuer=NATIONAL)
    names.change(lambda s: names.federation.upsert_staff(s, [replace(row, training_valid_to=date(2027, 1, 1))]))
    national = [asked("RKB", NATIONAL, proven=True), asked("RWP", NATIONAL, proven=True), asked("RKB", NATIONAL)]
    assert [names.gather(one)["subject"]["training_valid"] for one in national] == [True, True, True]
    assert names.gather(asked("RKB"))["subject"]["training_valid"] is None
    assert names.gather(asked("RWP", "RKB", proven=True))["subject"]["training_valid"] is None
    tie(names, RelationshipKind.ORDER, NAME, ods="RKB")
    assert ties(names, asked("RKB")) == ["order"]
    assert ties(names, asked("RKB", NATIONAL)) == []
    tie(names, RelationshipKind.ORDER, NAME, named_by=NATIONAL)
    assert [ties(names, one) for one in national] == [["order"]] * 3
    assert ties(names, asked("RKB")) == []


def test_the_minutes_of_one_are_not_the_minutes_of_the_other(names: Region) -> None:
    jsmith, study = names.pseudonymiser.subject(NAME), names.pseudonymiser.study(STUDY_UID)
    held: list[Scope] = []

    def grants(_session: object, scope: Scope, _now: object) -> list[Grant]:
        held.append(scope)
        return []

    information = PolicyInformationPoint(
        federation=names.federation,
        catalogue=names.catalogue,
        relationships=names.relationships,
        pseudonymiser=names.pseudonymiser,
        reads_today=lambda *_: 0,
        grants=grants,
    )
    with names.database.reading() as session:
        for request in (asked("RKB"), asked("RKB", NATIONAL), asked("RRK")):
            information.gather(request, session, NOW + timedelta(seconds=1))
    assert {(one.subject, one.study) for one in held} == {(jsmith, study)}
    assert [(one.ods, one.named_by) for one in held] == [("RKB", "RKB"), ("RKB", NATIONAL), ("RRK", "RRK")]
