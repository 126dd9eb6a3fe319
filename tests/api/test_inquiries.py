"""The endpoints of questions to people: asking from an alert, what is shown of it, and ruling on the answer."""

import pytest
from flask import Flask

from governance.audit.event import Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.federation import StaffMember
from governance.inquiries import AnswerCode, Identity
from governance.vocabulary import EventKind, Outcome, SubjectType
from tests.worlds.alert_callers import PATH, AlertsApi

NIA, PATIENT = "nurse.nia", "9990000018"
WHY = {"why": "No reason is on record."}
DECIDED = {"reason": "The rota shows it."}


@pytest.fixture
def api(app: Flask, services: Services) -> AlertsApi:
    """Speak to the alerts of a running service, with a nurse on the register."""
    made = AlertsApi(app, services)
    nia = StaffMember(services.infrastructure.pseudonymiser.subject(NIA), "RRK", "nurse")
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.upsert_staff(session, [nia])
    return made


@pytest.fixture
def alert(api: AlertsApi, clock: FixedClock) -> str:
    """Raise an alert about the nurse and a patient, from a look of hers."""
    infrastructure = api.services.infrastructure
    look = Event(
        "look-1",
        clock.now(),
        Source("archive", "RRK"),
        EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject(NIA, SubjectType.PRACTITIONER, "nurse", "RRK"),
        resource=Resource(patient=PATIENT, study_uid="1.2.3", modality="CT", custodian="RRK"),
    )
    index = infrastructure.audit.append([look])[0].index
    who, whom = infrastructure.pseudonymiser.subject(NIA), infrastructure.pseudonymiser.patient(PATIENT)
    return api.opened(subject=who, subjects=(who,), patient=whom, about=whom, events=(index,), trusts=("RRK",))


def test_a_question_from_asking_to_the_ruling(api: AlertsApi, alert: str) -> None:
    asked = api.post(f"{PATH}/{alert}/ask", WHY)
    assert asked.status_code == 200, asked.get_data(as_text=True)
    question = asked.get_json()
    assert (question["state"], question["asked"], question["alert"]) == ("open", "person", alert)
    assert question["messages"] == []  # nothing to write with is set up
    assert api.post(f"{PATH}/{alert}/ask", WHY).get_json()["reference"] == question["reference"]
    path = f"{PATH}/{alert}/inquiries/{question['reference']}"
    assert api.post(f"{path}/confirm", DECIDED).status_code == 409
    who = Identity(question["subject"], "RRK")
    api.services.uses.inquiries.answer(who, question["reference"], AnswerCode.OTHER, "I was covering")
    (shown,) = api.get(f"{PATH}/{alert}/inquiries", "rrk").get_json()["inquiries"]
    assert (shown["answer"]["code"], shown["answer"]["words"]) == ("other", "I was covering")
    (read,) = api.get(f"{PATH}/{alert}/inquiries", "reader").get_json()["inquiries"]
    assert read["answer"]["words"] is None  # read, but no reviewer
    done = api.post(f"{path}/confirm", DECIDED).get_json()
    assert (done["state"], done["ruling"]["reason"]) == ("confirmed", DECIDED["reason"])
    assert done["ruling"]["index"] is not None
    assert api.post(f"{path}/reject", DECIDED).status_code == 409


def test_others_find_nothing(api: AlertsApi, alert: str) -> None:
    assert api.post(f"{PATH}/{alert}/ask", WHY, "rje").status_code == 404
    assert api.get(f"{PATH}/{alert}/inquiries", "rje").status_code == 404
    assert api.post(f"{PATH}/{alert}/ask", WHY, "reader").status_code == 403
    reference = api.post(f"{PATH}/{alert}/ask", WHY).get_json()["reference"]
    assert api.post(f"{PATH}/{alert}/inquiries/{reference}/confirm", DECIDED, "rje").status_code == 404
    assert api.post(f"{PATH}/{alert}/inquiries/q-none/confirm", DECIDED).status_code == 404


@pytest.mark.parametrize("body", [{}, {"why": ""}, {"why": "x" * 501}, WHY | {"asked": "everybody"}, WHY | {"to": "x"}])
def test_a_bad_question_names_its_fault(api: AlertsApi, alert: str, body: dict[str, str]) -> None:
    answer = api.post(f"{PATH}/{alert}/ask", body)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]


def test_an_alert_without_one_person_and_patient_is_refused(api: AlertsApi) -> None:
    answer = api.post(f"{PATH}/{api.opened()}/ask", WHY)
    assert (answer.status_code, answer.get_json()["reason"]) == (400, "input.invalid")  # it rests on no look of hers
    nobody = api.post(f"{PATH}/{api.opened(patient=None, family='mass_export')}/ask", WHY)
    assert (nobody.status_code, nobody.get_json()["reason"]) == (409, "inquiry.nobody_to_ask")


def test_the_keys_of_messages_are_published(api: AlertsApi) -> None:
    answer = api.client.get("/.well-known/http-message-signatures-directory")
    assert answer.status_code == 200
    assert [key["crv"] for key in answer.get_json(force=True)["keys"]] == ["Ed25519"] * 2
    tokens = {key["kid"] for key in api.client.get("/.well-known/jwks.json").get_json(force=True)["keys"]}
    assert tokens.isdisjoint(key["kid"] for key in answer.get_json(force=True)["keys"])
