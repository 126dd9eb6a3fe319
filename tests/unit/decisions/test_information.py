"""Attributes as the policy gets them, from the real directories."""

from datetime import UTC, date, datetime, timedelta

import pytest

from governance.decisions import RequestSubject
from governance.vocabulary import Action, Label, RelationshipKind, SubjectType
from tests.worlds.decisions import AI, NHS_NUMBER, NOW, PERSON, STUDY_UID, USER, Region, asking
from tests.worlds.policy import AI_SUBJECT, REQUEST


def shape(value: object) -> object:
    """Give the keys of a value, all the way down."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_everything_about_a_person_and_a_study(region: Region) -> None:
    found = region.gather(asking(break_glass_reason="arrest", self_claim_reason="on call"))
    assert found == {
        "time": {"epoch": int(NOW.timestamp()), "minute_of_day": 720},
        "subject": {
            "id": region.pseudonymiser.subject(USER),
            "type": "practitioner",
            "role": "consultant_radiologist",
            "ods": "RKB",
            "known": True,
            "organisation_known": True,
            "assurance": 3,
            "training_valid": True,
            "managed_device": True,
            "ai": None,
        },
        "action": "read",
        "purpose": "TREAT",
        "resource": {
            "known": True,
            "custodians": ["RRK"],
            "modality": "CT",
            "body_part": "HEAD",
            "age_days": 10,
            "labels": [],
            "patient_known": True,
        },
        "patient": {"opt_out": True},
        "relationships": [{"kind": "order", "age_days": 3, "of_study": False}],
        "context": {"break_glass_reason": "arrest", "self_claim_reason": "on call"},
        "grants": [],
    }


def test_nothing_is_ever_left_out(region: Region) -> None:
    stranger = RequestSubject("nobody", SubjectType.PRACTITIONER, None, None)
    for request in (asking(), asking(subject=stranger, study_uid="1.2.3"), asking(study_uid=None)):
        assert shape(region.gather(request) | {"relationships": None}) == shape(dict(REQUEST) | {"relationships": None})
    assert shape(region.gather(asking(subject=AI))["subject"]) == shape(AI_SUBJECT)


def test_a_stranger_of_no_organisation(region: Region) -> None:
    subject = region.gather(asking(subject=RequestSubject("nobody", SubjectType.PRACTITIONER, "clinician", None)))[
        "subject"
    ]
    assert (subject["known"], subject["organisation_known"], subject["training_valid"]) == (False, False, None)


def test_an_organisation_outside_the_federation(region: Region) -> None:
    subject = RequestSubject(USER, SubjectType.PRACTITIONER, "clinician", "RXX")
    assert not region.gather(asking(subject=subject))["subject"]["organisation_known"]


def test_somebody_who_has_left_is_not_known(region: Region) -> None:
    region.change(lambda s: region.federation.upsert_staff(s, [region.staff(leaves_on=date(2026, 11, 23))]))
    assert not region.gather(asking())["subject"]["known"]


@pytest.mark.parametrize(("until", "valid"), [(date(2026, 11, 24), True), (date(2026, 11, 23), False), (None, None)])
def test_training_counts_through_its_last_day(region: Region, until: date | None, valid: bool | None) -> None:
    region.change(lambda s: region.federation.upsert_staff(s, [region.staff(training_valid_to=until)]))
    assert region.gather(asking())["subject"]["training_valid"] is valid


def test_minutes_are_those_of_london(region: Region) -> None:
    summer = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert region.gather(asking(), summer)["time"]["minute_of_day"] == 30
    winter = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    assert region.gather(asking(), winter)["time"]["minute_of_day"] == 23 * 60 + 30


def test_an_ai_service_under_its_manifest(region: Region) -> None:
    subject = region.gather(asking(subject=AI))["subject"]
    assert (subject["id"], subject["known"]) == ("ich-triage", True)
    assert subject["ai"] == {
        "version": "2.1.0",
        "approved": True,
        "manifest": {
            "versions": ["2.1.0"],
            "modalities": ["CT"],
            "body_parts": ["HEAD"],
            "trusts": ["RRK"],
            "purposes": ["TREAT"],
            "daily_volume": 100,
        },
        "reads_today": 7,
    }


def test_an_ai_service_that_says_no_version_runs_the_registered_one(region: Region) -> None:
    subject = RequestSubject("ich-triage", SubjectType.AI_SERVICE, "ai_service", "RKB")
    assert region.gather(asking(subject=subject))["subject"]["ai"]["version"] == "2.1.0"


def test_an_ai_version_without_a_manifest(region: Region) -> None:
    subject = RequestSubject("ich-triage", SubjectType.AI_SERVICE, "ai_service", "RKB", version="9.9.9")
    ai = region.gather(asking(subject=subject))["subject"]["ai"]
    assert (ai["version"], ai["approved"], ai["manifest"]) == ("9.9.9", False, None)


def test_approval_counts_at_the_instant_of_the_request(region: Region) -> None:
    assert not region.gather(asking(subject=AI), NOW - timedelta(days=2))["subject"]["ai"]["approved"]
    region.change(lambda s: region.federation.withdraw_manifest(s, "ich-triage", "2.1.0", NOW))
    assert not region.gather(asking(subject=AI))["subject"]["ai"]["approved"]


@pytest.mark.parametrize(
    "subject",
    [
        RequestSubject("unheard-of", SubjectType.SERVICE, "service", "RKB"),
        RequestSubject("viewer", SubjectType.SERVICE, "service", "RRK"),
        RequestSubject("viewer", SubjectType.AI_SERVICE, "ai_service", "RKB"),
        RequestSubject("ich-triage", SubjectType.SERVICE, "service", "RKB"),
    ],
    ids=["unregistered", "of another trust", "not an AI service", "not a plain service"],
)
def test_a_service_is_known_only_as_registered(region: Region, subject: RequestSubject) -> None:
    found = region.gather(asking(subject=subject))["subject"]
    assert (found["known"], found["ai"]) == (False, None)


def test_a_registered_service(region: Region) -> None:
    found = region.gather(asking(subject=RequestSubject("viewer", SubjectType.SERVICE, "service", "RKB")))["subject"]
    assert (found["known"], found["ai"]) == (True, None)


def test_a_study_the_catalogue_does_not_have(region: Region) -> None:
    found = region.gather(asking(study_uid="1.2.3", custodians=("RRK",), patient=NHS_NUMBER, action=Action.SEARCH))
    assert found["resource"]["known"] is False
    assert found["resource"]["custodians"] == []
    assert found["relationships"] == []


def test_a_patient_who_is_not_the_studys(region: Region) -> None:
    assert region.gather(asking(patient=NHS_NUMBER))["resource"]["known"]
    assert region.gather(asking(patient=region.patient))["resource"]["known"]
    mixed_up = region.gather(asking(patient="9990000026"))
    assert not mixed_up["resource"]["known"]
    assert mixed_up["patient"]["opt_out"] is None


def test_a_search_names_custodians_and_a_patient(region: Region) -> None:
    found = region.gather(asking(action=Action.SEARCH, study_uid=None, patient=NHS_NUMBER, custodians=("RRK",)))
    assert found["resource"]["custodians"] == ["RRK"]
    assert (found["resource"]["known"], found["resource"]["patient_known"]) == (False, True)
    assert [tie["kind"] for tie in found["relationships"]] == ["order"]
    assert found["patient"]["opt_out"] is True


def test_custodians_named_beside_a_study_count_for_nothing(region: Region) -> None:
    region.change(lambda s: region.catalogue.upsert(s, [region.study(custodians=())]))
    assert region.gather(asking(custodians=("RRK",)))["resource"]["custodians"] == []


def test_labels_and_missing_body_part(region: Region) -> None:
    labelled = region.study(labels=frozenset({Label.SEALED, Label.DECOY}), body_part=None)
    region.change(lambda s: region.catalogue.upsert(s, [labelled]))
    resource = region.gather(asking())["resource"]
    assert (resource["labels"], resource["body_part"]) == (["decoy", "sealed"], None)


def test_an_opt_out_checked_too_long_ago_is_unknown(region: Region) -> None:
    assert region.gather(asking(), NOW + timedelta(days=2))["patient"]["opt_out"] is None


def test_a_relationship_that_has_ended_is_none(region: Region) -> None:
    region.change(lambda s: region.relationships.upsert_edges(s, [region.edge(valid_until=NOW)]))
    assert region.gather(asking())["relationships"] == []


def test_a_teams_worklist_that_names_the_study(region: Region) -> None:
    team = region.edge(
        id="w-1",
        kind=RelationshipKind.WORKLIST,
        subject=region.pseudonymiser.subject("neuro"),
        study=region.pseudonymiser.study(STUDY_UID),
        valid_from=NOW,
    )
    region.change(lambda s: region.relationships.upsert_edges(s, [team]))
    ties = region.gather(asking())["relationships"]
    assert {"kind": "worklist", "age_days": 0, "of_study": True} in ties


def test_a_person_may_be_named_by_pseudonym(region: Region) -> None:
    plain = region.gather(asking())
    pseudonym = RequestSubject(
        region.pseudonymiser.subject(USER), PERSON.type, PERSON.role, PERSON.ods, 3, managed_device=True
    )
    assert region.gather(asking(subject=pseudonym)) == plain
