"""Legal holds over HTTP: set, listed and ended by the trust whose they are, each act in the log."""

from flask import Flask

from governance.bootstrap import Services
from governance.federation import StaffMember
from governance.vocabulary import EventKind, Scope
from tests.worlds.callers import REGION, Callers

PATH = "/erasure/v1/holds"
PATIENT = "9990000018"
SCOPE = (Scope.ERASURE_HOLD,)


def test_a_hold_from_its_beginning_to_its_end(app: Flask, services: Services) -> None:
    callers = Callers(app, services)
    own, other = callers.headers("rrk-officer", "RRK", SCOPE), callers.headers("rkb-officer", "RKB", SCOPE)
    network, nobody = callers.headers("office", REGION, SCOPE), callers.headers("reader", "RRK", (Scope.ALERTS_READ,))
    http = callers.http
    assert http.post(PATH, json={"patient": PATIENT, "reason": "A claim"}, headers=nobody).status_code == 403
    made = http.post(PATH, json={"patient": PATIENT, "reason": "A claim"}, headers=own)
    assert made.status_code == 201
    hold = made.get_json()
    assert hold["person"] == services.infrastructure.pseudonymiser.patient(PATIENT)
    assert PATIENT not in made.get_data(as_text=True)
    for who, seen in ((own, [hold]), (other, []), (network, [hold])):
        assert http.get(PATH, headers=who).get_json() == {"holds": seen, "cursor": None}
    assert http.post(f"{PATH}/{hold['id']}/end", json={"reason": "x"}, headers=other).status_code == 404
    ended = http.post(f"{PATH}/{hold['id']}/end", json={"reason": "Settled"}, headers=own)
    assert ended.get_json()["end_reason"] == "Settled"
    assert http.post(f"{PATH}/{hold['id']}/end", json={"reason": "again"}, headers=own).status_code == 409
    assert http.get(PATH, headers=own).get_json()["holds"] == []
    assert len(http.get(PATH, query_string={"ended": "true"}, headers=own).get_json()["holds"]) == 1
    said = [one for one in services.infrastructure.audit.read(0, 1_000) if one.kind is EventKind.CONFIG]
    acts = [one for one in said if "hold" in one.detail]
    assert [one.detail["hold"] for one in acts] == ["set", "ended"]
    assert all(one.subject is not None for one in acts)


def test_a_wrong_hold_is_refused_by_its_field(app: Flask, services: Services) -> None:
    callers = Callers(app, services)
    officer = callers.headers("rrk-officer", "RRK", SCOPE)
    two = {"reason": "why", "patient": PATIENT, "case": "a-1"}
    for body in ({}, {"reason": "why"}, two, {"reason": "", "case": "a-1"}):
        assert callers.http.post(PATH, json=body, headers=officer).status_code == 400, body
    assert callers.http.post(PATH, json={"reason": "why", "case": "a-none"}, headers=officer).status_code == 404


def test_pages_go_on_where_the_last_one_ended(app: Flask, services: Services) -> None:
    callers = Callers(app, services)
    officer = callers.headers("rrk-officer", "RRK", SCOPE)
    names = [services.infrastructure.pseudonymiser.subject(f"u-{number}") for number in range(5)]
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.upsert_staff(session, [StaffMember(name, "RRK", "nurse") for name in names])
    for number in range(5):
        body = {"staff": f"u-{number}", "reason": "why"}
        assert callers.http.post(PATH, json=body, headers=officer).status_code == 201
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = callers.http.get(PATH, query_string=query, headers=officer).get_json()
        seen += [hold["id"] for hold in page["holds"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_a_hold_on_nobody_or_another_trusts_person_is_refused(app: Flask, services: Services) -> None:
    callers = Callers(app, services)
    officer = callers.headers("rrk-officer", "RRK", SCOPE)
    name = services.infrastructure.pseudonymiser.subject("jsmith")
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.upsert_staff(session, [StaffMember(name, "RKB", "nurse")])
    malformed = callers.http.post(PATH, json={"patient": "123", "reason": "why"}, headers=officer)
    assert (malformed.status_code, malformed.get_json()["errors"][0]["pointer"]) == (400, "/patient")
    for staff in ("jsmith", name):
        answer = callers.http.post(PATH, json={"staff": staff, "reason": "why"}, headers=officer)
        assert (answer.status_code, answer.get_json()["reason"]) == (403, "hold.not_yours")
    assert callers.http.get(PATH, headers=officer).get_json()["holds"] == []
