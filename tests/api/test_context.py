"""The context feeds over HTTP."""

import json
from datetime import date, timedelta

import pytest

from governance.api.registers.feed_schemas import EdgeLine, PatientLine, StaffLine, StudyLine
from governance.api.registers.feeds import BODY
from governance.catalogue import ALWAYS, StudyQuery
from governance.catalogue import feed as catalogue_feed
from governance.federation import feed as federation_feed
from governance.registers.feeds import COMMIT, LIMITS
from governance.relationships import Between, Holder
from governance.relationships import feed as relationships_feed
from governance.vocabulary import Outcome, Scope
from tests.worlds.feeds import NDJSON, ContextWorld
from tests.worlds.registers import said

STUDIES, EDGES = "/catalogue/v1/studies", "/relationships/v1/edges"
STAFF, PATIENTS = "/relationships/v1/staff", "/relationships/v1/patients"
FEEDS = (STUDIES, EDGES, STAFF, PATIENTS)
PATIENT, USER, UID = "9990000018", "u-17", "1.2.826.0.1.3680043.8.498.7"
LINES: dict[str, dict[str, object]] = {
    STUDIES: {"id": UID, "custodians": ["RRK"], "patient": PATIENT, "modality": "CT", "study_date": "2026-11-20"},
    EDGES: {
        "id": "order-1",
        "kind": "order",
        "subject": USER,
        "patient": PATIENT,
        "ods": "RRK",
        "from": "2026-11-20T08:00:00Z",
        "source": "ris-rrk",
    },
    STAFF: {"id": USER, "ods": "RRK", "role": "clinician", "team_ids": ["stroke"], "patient_key": PATIENT},
    PATIENTS: {"id": PATIENT, "staff_id": USER, "flags": ["vip"]},
}


@pytest.mark.parametrize("path", FEEDS)
def test_takes_a_line_and_records_that_it_did(context_world: ContextWorld, path: str) -> None:
    answer = context_world.feed(path, LINES[path])

    assert answer.status_code == 200
    assert answer.get_json() == {"accepted": 1, "rejected": []}
    (event,) = context_world.changes()
    assert said(event) == {"feed": path.rsplit("/", 1)[1], "accepted": 1, "rejected": 0}
    assert event.subject is not None
    assert (event.subject.ods, event.outcome, event.time) == (
        "RRK",
        Outcome.SUCCESS,
        context_world.services.infrastructure.clock.now(),
    )


@pytest.mark.parametrize("path", FEEDS)
def test_one_bad_line_never_loses_its_neighbours(context_world: ContextWorld, path: str) -> None:
    answer = context_world.feed(path, LINES[path], "{broken", LINES[path] | {"id": None, "who": "?"}, "", LINES[path])

    body = answer.get_json()
    assert answer.status_code == 200
    assert body["accepted"] == 2
    assert body["rejected"] == [
        {"line": 2, "reason": "the line is not JSON that every reader reads alike"},
        {"line": 3, "reason": "/who: is not a field of this feed; /id: is required"},
    ]
    assert [event.detail["rejected"] for event in context_world.changes()] == [2]


@pytest.mark.parametrize("path", FEEDS)
def test_a_json_array_is_read_as_the_lines_that_say_the_same(context_world: ContextWorld, path: str) -> None:
    rows = [LINES[path], 7, LINES[path] | {"id": None, "who": "?"}, LINES[path]]
    scopes = (Scope.CONTEXT_WRITE,)
    answer = context_world.send("POST", path, json.dumps(rows).encode(), scopes, "application/json")

    assert answer.get_json() == {
        "accepted": 2,
        "rejected": [
            {"line": 2, "reason": "the line is not a JSON object"},
            {"line": 3, "reason": "/who: is not a field of this feed; /id: is required"},
        ],
    }
    for body in (b'[{"id": "a", "id": "b"}]', b'{"id": "a"}', b"[NaN]", b"[", b"\xff", b"[" * 100_000):
        refused = context_world.send("POST", path, body, scopes, "application/json")
        assert (refused.status_code, refused.get_json()["reason"]) == (400, "body.malformed")
    assert context_world.send("POST", path, b"[]", scopes, "text/csv").status_code == 415


def test_what_came_in_is_found_and_only_by_pseudonym(context_world: ContextWorld) -> None:
    for path, line in LINES.items():
        assert context_world.feed(path, line).status_code == 200

    made, now = context_world.services, context_world.services.infrastructure.clock.now()
    keyed = made.infrastructure.pseudonymiser
    with made.infrastructure.database.reading() as session:
        study = made.registers.catalogue.study(session, UID)
        assert study is not None
        member = made.registers.federation.staff(session, keyed.subject(USER))
        patient = made.registers.relationships.patient(session, keyed.patient(PATIENT), now)
        (edge,) = made.registers.relationships.edges_between(
            session, Between((Holder(keyed.subject(USER)),), study.patient, study.study), now
        )
    assert member is not None
    assert patient is not None
    assert member.patient_key == patient.patient == study.patient == edge.patient == keyed.patient(PATIENT)
    assert patient.staff == {member.id}
    assert member.id == edge.subject == keyed.subject(USER)


def test_neither_the_log_nor_an_answer_names_anybody(context_world: ContextWorld) -> None:
    for path, line in LINES.items():
        answer = context_world.feed(path, line, line | {"ods": PATIENT, "custodians": [PATIENT], "flags": [PATIENT]})
        assert answer.get_json()["rejected"]
        assert PATIENT not in answer.get_data(as_text=True)

    for index in range(len(context_world.services.infrastructure.audit.read(0, 1_000))):
        entry = context_world.services.infrastructure.audit.entry_bytes(index).decode()
        assert PATIENT not in entry
        assert UID not in entry
        assert USER not in entry


def test_sending_a_feed_again_is_harmless(context_world: ContextWorld) -> None:
    first = context_world.feed(STUDIES, LINES[STUDIES])
    again = context_world.feed(STUDIES, LINES[STUDIES])

    assert first.get_json() == again.get_json()
    kept = StudyQuery(ALWAYS, date(2026, 11, 24), custodians=["RRK"])
    with context_world.services.infrastructure.database.reading() as session:
        found = context_world.services.registers.catalogue.search(session, [kept])
    assert len(found) == 1


def test_a_feed_without_one_good_line_is_recorded_too(context_world: ContextWorld) -> None:
    assert context_world.feed(EDGES, "nonsense").get_json()["accepted"] == 0
    assert context_world.feed(EDGES, "").get_json() == {"accepted": 0, "rejected": []}

    assert [(event.detail["accepted"], event.detail["rejected"]) for event in context_world.changes()] == [
        (0, 1),
        (0, 0),
    ]


def test_a_long_feed_is_recorded_with_each_of_its_commits(context_world: ContextWorld) -> None:
    lines = [LINES[PATIENTS] | {"id": f"local-{number}"} for number in range(COMMIT + 1)]
    answer = context_world.feed(PATIENTS, *lines, "broken")

    assert answer.get_json()["accepted"] == COMMIT + 1
    assert [(event.detail["accepted"], event.detail["rejected"]) for event in context_world.changes()] == [
        (COMMIT, 1),
        (1, 0),
    ]


def test_an_opt_out_is_forgotten_after_its_lifetime(context_world: ContextWorld) -> None:
    made = context_world.services
    checked = made.infrastructure.clock.now() - timedelta(hours=1)
    line = LINES[PATIENTS] | {"opt_out": True, "opt_out_checked_at": checked.isoformat()}
    assert context_world.feed(PATIENTS, line).get_json()["rejected"] == []

    patient = made.infrastructure.pseudonymiser.patient(PATIENT)
    with made.infrastructure.database.reading() as session:
        now = made.registers.relationships.patient(session, patient, made.infrastructure.clock.now())
        later = made.registers.relationships.patient(
            session, patient, made.infrastructure.clock.now() + timedelta(days=2)
        )
    assert now is not None
    assert later is not None
    assert (now.opt_out, later.opt_out) == (True, None)


def test_lines_are_counted_by_feed_and_outcome(context_world: ContextWorld) -> None:
    context_world.feed(STAFF, LINES[STAFF], "{broken", LINES[STAFF] | {"id": "u-18"}, "also broken")
    context_world.feed(STAFF, "broken")

    text = context_world.services.infrastructure.metrics.render("text/plain")[0].decode()
    assert 'governance_feed_lines_total{feed="staff",outcome="accepted"} 2.0' in text
    assert 'governance_feed_lines_total{feed="staff",outcome="rejected"} 3.0' in text


@pytest.mark.parametrize("path", FEEDS)
def test_only_a_caller_that_may_write_context_is_heard(context_world: ContextWorld, path: str) -> None:
    assert context_world.feed(path, LINES[path], scopes=()).status_code == 401
    assert context_world.feed(path, LINES[path], scopes=(Scope.AUDIT_WRITE,)).status_code == 403
    assert context_world.feed(path, LINES[path], scopes=(Scope.FEDERATION_WRITE,)).status_code == 403
    assert context_world.changes() == []


@pytest.mark.parametrize("path", FEEDS)
def test_another_media_type_is_refused(context_world: ContextWorld, path: str) -> None:
    body = json.dumps(LINES[path]).encode()
    answer = context_world.send("POST", path, body, (Scope.CONTEXT_WRITE,), "text/plain")

    assert answer.status_code == 415
    assert answer.content_type == "application/problem+json"


def test_a_body_beyond_the_caps_is_refused_whole(context_world: ContextWorld) -> None:
    large = context_world.send("POST", STUDIES, b" " * (BODY + 1), (Scope.CONTEXT_WRITE,), NDJSON)
    many = context_world.send("POST", STUDIES, b"{}\n" * (LIMITS.lines + 1), (Scope.CONTEXT_WRITE,), NDJSON)

    assert large.status_code == 413
    assert (many.status_code, many.get_json()["reason"]) == (400, "feed.too_many_lines")
    assert context_world.changes() == []


def test_the_described_fields_are_those_the_feeds_read() -> None:
    def described(model: type[StudyLine | EdgeLine | StaffLine | PatientLine]) -> set[str]:
        return set(model.model_json_schema(by_alias=True)["properties"])

    assert described(StudyLine) == catalogue_feed.FIELDS
    assert described(EdgeLine) == relationships_feed.EDGE_FIELDS
    assert described(StaffLine) == federation_feed.FIELDS
    assert described(PatientLine) == relationships_feed.PATIENT_FIELDS


@pytest.mark.parametrize("path", FEEDS)
def test_a_client_of_a_trust_is_refused_the_lines_of_another_and_nothing_beside_them(
    context_world: ContextWorld, path: str
) -> None:
    own = {
        STUDIES: {"id": "1.2.840.9", "custodians": ["RL4"]},
        EDGES: {"id": "own", "ods": "RL4"},
        STAFF: {"id": "own", "ods": "RL4"},
        PATIENTS: {},
    }
    others = {PATIENTS: {"ods": "RRK"}}
    answer = context_world.feed_as("RL4", path, LINES[path] | own[path], LINES[path] | others.get(path, {}))

    assert answer["accepted"] == 1
    assert [line["line"] for line in answer["rejected"]] == [2]
    assert answer["rejected"][0]["reason"].startswith("/custodians" if path == STUDIES else "/ods: is another trust")
    assert [event.detail["rejected"] for event in context_world.changes()] == [1]


def test_a_rota_of_another_trust_opens_none_of_its_studies(context_world: ContextWorld) -> None:
    context_world.feed(STUDIES, LINES[STUDIES])
    rota = {"id": "r", "kind": "rota", "subject": "radiologist.rkb", "ods": "RRK", "source": "ris-rrk"}
    rota |= {"from": "2026-11-20T08:00:00Z", "until": "2026-12-20T08:00:00Z"}
    answer = context_world.feed_as("RL4", EDGES, rota)

    assert answer == {"accepted": 0, "rejected": [{"line": 1, "reason": "/ods: is another trust"}]}
    made, now = context_world.services, context_world.services.infrastructure.clock.now()
    with made.infrastructure.database.reading() as session:
        holder = Holder(made.infrastructure.pseudonymiser.subject("radiologist.rkb"))
        wanted = Between((holder,), None, None, ("RRK",))
        assert made.registers.relationships.edges_between(session, wanted, now) == ()


def test_a_sealed_study_sent_again_without_labels_stays_sealed(context_world: ContextWorld) -> None:
    context_world.feed(STUDIES, LINES[STUDIES] | {"labels": ["sealed"]})
    assert context_world.feed(STUDIES, LINES[STUDIES]).get_json()["rejected"] == []
    answer = context_world.feed_as("RRK", STUDIES, LINES[STUDIES] | {"labels": []})

    assert answer["accepted"] == 1
    assert labels(context_world) == {"sealed"}
    act = f"{STUDIES}/{UID}/labels"
    lowered = context_world.post(act, {"labels": ["sensitive"]}, scopes=(Scope.CONTEXT_WRITE,))
    assert lowered.get_json() == {"id": UID, "custodians": ["RRK"], "labels": ["sensitive"]}
    assert labels(context_world) == {"sensitive"}
    assert said(context_world.changes()[-1]) == {"changed": "labels", "before": ["sealed"], "after": ["sensitive"]}


def labels(world: ContextWorld) -> frozenset[str]:
    with world.services.infrastructure.database.reading() as session:
        study = world.services.registers.catalogue.study(session, UID)
    assert study is not None
    return study.labels
