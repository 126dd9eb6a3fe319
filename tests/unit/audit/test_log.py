"""The log's promises, on a real database: order, idempotence, pseudonyms, erasure, proofs and checkpoints."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from governance.audit import (
    AuditLog,
    AuditSearch,
    Authority,
    BreakGlass,
    Identity,
    NoteSigner,
    Query,
    Resource,
    merkle,
    proof,
)
from governance.audit import Source as EventSource
from governance.audit.checkpoint import parse as parse_note
from governance.clock import FixedClock
from governance.errors import Conflict, NotFound
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, SubjectType
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent


class TestAppend:
    def test_gives_consecutive_indexes_from_zero(self, log: AuditLog, make_event: MakeEvent) -> None:
        first = log.append([make_event(0), make_event(1)])
        second = log.append([make_event(2)])
        assert [receipt.index for receipt in first + second] == [0, 1, 2]
        assert not any(receipt.duplicate for receipt in first + second)

    def test_of_nothing_writes_nothing(self, log: AuditLog, database: Database) -> None:
        assert log.append([]) == []
        assert log.tree_head() == (0, merkle.EMPTY_ROOT)
        with database.transaction() as session:
            assert log.append_in(session, []) == []

    def test_keeps_every_field_but_the_identifiers(
        self, log: AuditLog, make_event: MakeEvent, clock: FixedClock, pseudonymiser: Pseudonymiser
    ) -> None:
        sent = make_event(
            3, detail={"reasons": ["agreement.permits"], "share": 0.5, "flag": True}, bytes=12, destination="AE"
        )
        index = log.append([sent])[0].index
        held = log.entry(index)
        assert sent.resource is not None
        assert held.resource is not None
        assert sent.subject is not None
        assert (held.id, held.time, held.source, held.kind) == (sent.id, sent.time, sent.source, sent.kind)
        assert held.recorded_at == clock.now()
        assert held.subject == replace(sent.subject, id=pseudonymiser.subject("user-3"))
        assert held.resource.patient == pseudonymiser.patient("9990000003")
        assert held.resource.study == pseudonymiser.study("1.2.826.0.1.3")
        assert (held.resource.instances, held.resource.study_date) == (3, sent.resource.study_date)
        assert (held.authority, held.detail, held.bytes, held.destination) == (sent.authority, sent.detail, 12, "AE")

    def test_no_identifier_lies_open_in_the_database(
        self, log: AuditLog, make_event: MakeEvent, database: Database
    ) -> None:
        sent = make_event(4, break_glass=BreakGlass("Mrs Example collapsed in bay 9"))
        log.append([sent])
        with database.reading() as session:
            rows = session.connection().execute(text("SELECT * FROM audit_entry")).all()
        stored = " ".join(
            value.decode() if isinstance(value, bytes) and value[:1] == b"{" else str(value) for value in rows[0]
        )
        for secret in ("9990000004", "1.2.826.0.1.4", "user-4", "Example"):
            assert secret not in stored

    def test_a_service_keeps_its_id(self, log: AuditLog, make_event: MakeEvent) -> None:
        sent = make_event(0)
        assert sent.subject is not None
        service = replace(sent, subject=replace(sent.subject, id="ai-ich", type=SubjectType.AI_SERVICE))
        held = log.entry(log.append([service])[0].index)
        assert held.subject is not None
        assert held.subject.id == "ai-ich"

    def test_identifiers_that_are_pseudonyms_already_are_kept_and_not_sealed(
        self, log: AuditLog, make_event: MakeEvent, pseudonymiser: Pseudonymiser
    ) -> None:
        patient = pseudonymiser.patient("9990000001")
        held = log.entry(log.append([make_event(0, subject=None, resource=Resource(patient=patient))])[0].index)
        assert held.resource is not None
        assert held.resource.patient == patient
        assert held.sealed == ()

    def test_a_time_of_another_zone_is_the_same_instant(self, log: AuditLog, make_event: MakeEvent) -> None:
        there = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=1)))
        held = log.entry(log.append([make_event(0, time=there)])[0].index)
        assert held.time == datetime(2026, 7, 1, 11, 0, tzinfo=UTC)


class TestIdempotence:
    def test_a_resent_event_gives_its_first_index(
        self, log: AuditLog, make_event: MakeEvent, clock: FixedClock
    ) -> None:
        log.append([make_event(0), make_event(1)])
        clock.advance(timedelta(hours=1))
        again = log.append([make_event(1), make_event(2)])
        assert [(receipt.index, receipt.duplicate) for receipt in again] == [(1, True), (2, False)]
        assert log.tree_head()[0] == 3

    def test_twice_in_one_batch_is_once_in_the_log(self, log: AuditLog, make_event: MakeEvent) -> None:
        receipts = log.append([make_event(0), make_event(0), make_event(1)])
        assert [(receipt.index, receipt.duplicate) for receipt in receipts] == [(0, False), (0, True), (1, False)]

    def test_the_same_id_of_another_source_is_another_event(self, log: AuditLog, make_event: MakeEvent) -> None:
        other = make_event(0, source=EventSource("ris-rrk", "RRK"))
        assert [receipt.index for receipt in log.append([make_event(0), other])] == [0, 1]

    @pytest.mark.parametrize("in_one_batch", [True, False])
    @pytest.mark.parametrize(
        "changes",
        [
            {"outcome": Outcome.MAJOR},
            {"detail": {"note": "other"}},
            {"resource": Resource(patient="9990000009")},
            {"break_glass": BreakGlass("other")},
        ],
    )
    def test_the_same_id_with_other_content_is_refused_alone(
        self, log: AuditLog, make_event: MakeEvent, changes: dict[str, object], in_one_batch: bool
    ) -> None:
        changed, other = make_event(0, **changes), make_event(1)
        if in_one_batch:
            receipts = log.append([make_event(0), changed, other])[1:]
        else:
            log.append([make_event(0)])
            receipts = log.append([changed, other])
        assert receipts[0].position is None
        assert receipts[0].refused == "another event with this id was already recorded"
        assert receipts[1].index == 1
        with pytest.raises(Conflict):
            receipts[0].index  # noqa: B018  reading it is the point: no index, no release

    def test_a_reason_that_differs_only_inside_the_envelope_is_noticed(
        self, log: AuditLog, make_event: MakeEvent
    ) -> None:
        log.append([make_event(0, break_glass=BreakGlass("collapsed"))])
        assert log.append([make_event(0, break_glass=BreakGlass("collapsed"))])[0].duplicate
        assert log.append([make_event(0, break_glass=BreakGlass("curious"))])[0].refused


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "because"),
        [
            ({"id": "a\x00b"}, "NUL"),
            ({"id": "\ud800"}, "Unicode"),
            ({"destination": "a\x00b"}, "NUL"),
            ({"destination": "\udfff"}, "Unicode"),
            ({"resource": Resource(patient="\ud800")}, "Unicode"),
            ({"time": datetime(2026, 1, 1)}, "timezone"),
            ({"bytes": 2**53}, "2**53"),
            ({"resource": Resource(instances=2**60)}, "2**53"),
            ({"detail": {"a": float("nan")}}, "number"),
            ({"detail": {"a": 10**20}}, "2**53"),
            ({"detail": {"a": "x" * 70_000}}, "larger"),
            ({"detail": {"a": object()}}, "not JSON"),
            ({"detail": {1: "a"}}, "name"),
        ],
    )
    def test_what_cannot_be_carried_exactly_is_refused_alone(
        self, log: AuditLog, make_event: MakeEvent, check_log: CheckLog, changes: dict[str, object], because: str
    ) -> None:
        before, bad, after = log.append([make_event(0), make_event(1, **changes), make_event(2)])
        assert (before.index, after.index) == (0, 1)
        assert because in (bad.refused or "")
        assert check_log().ok

    def test_deep_detail_is_refused(self, log: AuditLog, make_event: MakeEvent) -> None:
        deep: dict[str, object] = {}
        for _ in range(100):
            deep = {"a": deep}
        assert "nested" in (log.append([make_event(0, detail=deep)])[0].refused or "")

    def test_text_that_merely_spells_a_nul_is_kept(self, log: AuditLog, make_event: MakeEvent) -> None:
        assert log.entry(log.append([make_event(0, destination="\\u0000")])[0].index).destination == "\\u0000"


class TestInsideATransaction:
    def test_the_events_come_with_the_callers_commit(
        self, log: AuditLog, make_event: MakeEvent, database: Database, check_log: CheckLog
    ) -> None:
        log.append([make_event(0)])
        with database.transaction() as session:
            assert [receipt.index for receipt in log.append_in(session, [make_event(1), make_event(0)])] == [1, 0]
        assert log.tree_head()[0] == 2
        assert check_log().ok

    def test_and_go_with_its_rollback(
        self, log: AuditLog, make_event: MakeEvent, database: Database, check_log: CheckLog
    ) -> None:
        log.append([make_event(0)])
        head = log.tree_head()
        with database.transaction() as session:
            log.append_in(session, [make_event(1)])
            session.rollback()
        assert log.tree_head() == head
        assert log.append([make_event(2)])[0].index == 1
        assert check_log().ok


class TestErasure:
    def test_originals_come_back_while_keys_exist(self, log: AuditLog, make_event: MakeEvent) -> None:
        resource = Resource(patient="9990000001", study_uid="1.2.3", series_uid="1.2.3.4")
        sent = make_event(1, resource=resource, break_glass=BreakGlass("collapsed"))
        held = log.entry(log.append([sent])[0].index)
        assert held.break_glass
        assert log.reveal(held) == Identity("user-1", "9990000001", "1.2.3", "1.2.3.4", "collapsed")

    def test_destroying_a_key_erases_and_every_proof_still_holds(
        self,
        log: AuditLog,
        make_event: MakeEvent,
        database: Database,
        vault: Vault,
        pseudonymiser: Pseudonymiser,
        signer: NoteSigner,
        clock: FixedClock,
        check_log: CheckLog,
    ) -> None:
        log.append([make_event(number) for number in range(20)])
        entry, evidence = log.entry_bytes(1), log.proof(1)
        with database.transaction() as session:
            vault.destroy(session, pseudonymiser.patient("9990000001"), clock.now())
        assert log.reveal(log.entry(1)) == Identity(subject="user-1")
        assert log.entry_bytes(1) == entry
        assert evidence.holds_for(entry, signer.verifier())
        assert check_log().ok

    def test_a_forgotten_patient_is_still_audited_under_the_pseudonym(
        self,
        log: AuditLog,
        make_event: MakeEvent,
        database: Database,
        vault: Vault,
        pseudonymiser: Pseudonymiser,
        clock: FixedClock,
    ) -> None:
        patient = pseudonymiser.patient("9990000001")
        with database.transaction() as session:
            vault.destroy(session, patient, clock.now())
        held = log.entry(log.append([make_event(1)])[0].index)
        assert held.resource is not None
        assert held.resource.patient == patient
        assert log.reveal(held) == Identity(subject="user-1")


class TestReading:
    def test_pages_follow_each_other(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(number) for number in range(10)])
        assert [event.index for event in log.read(0, 4)] == [0, 1, 2, 3]
        assert [event.index for event in log.read(8, 4)] == [8, 9]
        assert log.read(10, 4) == []

    @pytest.mark.parametrize("index", [-1, 0, 5])
    def test_an_index_beyond_the_log_is_not_found(self, log: AuditLog, index: int) -> None:
        for ask in (log.entry, log.proof):
            with pytest.raises(NotFound):
                ask(index)


class TestProofs:
    def test_every_entry_of_a_log_of_several_tiles_is_proved(
        self, log: AuditLog, make_event: MakeEvent, signer: NoteSigner
    ) -> None:
        log.append([make_event(number) for number in range(600)])
        log.sign_checkpoint()
        for index in (0, 1, 255, 256, 511, 512, 598, 599):
            evidence = log.proof(index)
            assert evidence.size == 600
            assert evidence.holds_for(log.entry_bytes(index), signer.verifier())
            assert not evidence.holds_for(log.entry_bytes(index) + b" ", signer.verifier())
            assert proof.parse(evidence.text()) == evidence

    def test_a_proof_by_another_log_does_not_hold(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(0)])
        stranger = NoteSigner.from_seed(ORIGIN, b"x" * 32).verifier()
        assert not log.proof(0).holds_for(log.entry_bytes(0), stranger)

    def test_an_entry_newer_than_the_checkpoint_gets_a_new_one(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(0)])
        log.sign_checkpoint()
        log.append([make_event(1)])
        assert log.proof(0).size == 1
        assert log.proof(1).size == 2

    def test_any_two_heads_are_shown_consistent(self, log: AuditLog, make_event: MakeEvent) -> None:
        heads = [log.tree_head()]
        for start in range(0, 700, 100):
            log.append([make_event(number) for number in range(start, start + 100)])
            heads.append(log.tree_head())
        for old, old_root in heads:
            for new, new_root in heads:
                if old <= new:
                    hashes = log.consistency(old, new)
                    assert merkle.verify_consistency(old, new, hashes, old_root, new_root)
        with pytest.raises(NotFound):
            log.consistency(1, 701)


class TestTiles:
    def test_full_and_partial_tiles_hold_the_leaf_hashes(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(number) for number in range(300)])
        leaves = [merkle.leaf_hash(log.entry_bytes(index)) for index in range(300)]
        assert log.tile(0, 0) == b"".join(leaves[:256])
        assert log.tile(0, 0, 10) == b"".join(leaves[:10])
        assert log.tile(0, 1, 44) == b"".join(leaves[256:])
        assert log.tile(1, 0, 1) == merkle.root(leaves[:256])

    @pytest.mark.parametrize(
        ("level", "number", "width"),
        [
            (0, 1, None),
            (0, 1, 45),
            (0, 0, 0),
            (0, 0, 257),
            (1, 0, 2),
            (2, 0, 1),
            (-1, 0, 1),
            (64, 0, 1),
            (0, -1, 1),
            (0, 2**70, 1),
        ],
    )
    def test_what_is_not_there_is_not_found(
        self, log: AuditLog, make_event: MakeEvent, level: int, number: int, width: int | None
    ) -> None:
        log.append([make_event(number) for number in range(300)])
        with pytest.raises(NotFound):
            log.tile(level, number, width)


class TestCheckpoints:
    def test_a_checkpoint_says_size_and_root_under_the_logs_key(
        self, log: AuditLog, make_event: MakeEvent, signer: NoteSigner
    ) -> None:
        log.append([make_event(number) for number in range(5)])
        note = log.sign_checkpoint()
        head = signer.verifier().verify(note)
        assert (head.origin, head.size, head.root) == (ORIGIN, *log.tree_head())
        assert log.latest_checkpoint() == note

    def test_an_unchanged_log_is_not_signed_again(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(0)])
        assert log.sign_checkpoint() == log.sign_checkpoint()

    def test_an_empty_log_has_a_checkpoint_too(self, log: AuditLog, check_log: CheckLog) -> None:
        assert parse_note(log.latest_checkpoint()).checkpoint.size == 0
        assert check_log().ok

    def test_a_log_that_was_rolled_back_refuses_to_sign(
        self, log: AuditLog, make_event: MakeEvent, database: Database
    ) -> None:
        log.append([make_event(0)])
        with database.reading() as session:
            size, frontier = session.connection().execute(text("SELECT size, frontier FROM audit_head")).one()
        log.append([make_event(1)])
        log.sign_checkpoint()
        with database.transaction() as session:
            session.connection().execute(text('DELETE FROM audit_entry WHERE "index" = 1'))
            session.connection().execute(
                text("UPDATE audit_head SET size = :size, frontier = :frontier"), {"size": size, "frontier": frontier}
            )
        with pytest.raises(Conflict, match="does not extend"):
            log.sign_checkpoint()
        log.append([make_event(2)])
        with pytest.raises(Conflict, match="does not extend"):
            log.sign_checkpoint()

    def test_origin_and_key_name_must_agree(
        self, database: Database, pseudonymiser: Pseudonymiser, vault: Vault, signer: NoteSigner, clock: FixedClock
    ) -> None:
        with pytest.raises(ValueError, match="origin"):
            AuditLog(database, pseudonymiser, vault, signer, clock, "another.example/log")


class TestStarting:
    def test_a_new_process_goes_on_where_the_last_one_stopped(
        self,
        database: Database,
        pseudonymiser: Pseudonymiser,
        vault: Vault,
        signer: NoteSigner,
        clock: FixedClock,
        make_event: MakeEvent,
        check_log: CheckLog,
    ) -> None:
        for part in range(3):
            with AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN) as log:
                events = [make_event(number) for number in range(part * 200, part * 200 + 200)]
                assert log.append(events)[0].index == part * 200
                log.sign_checkpoint()
        report = check_log()
        assert report.ok
        assert (report.size, report.signed_size, report.checkpoints) == (600, 600, 3)


class TestSearch:
    @pytest.fixture(autouse=True)
    def _filled(self, log: AuditLog, make_event: MakeEvent) -> None:
        events = [make_event(number) for number in range(40)]
        events[5] = replace(events[5], kind=EventKind.EXPORT, outcome=Outcome.MINOR)
        events[6] = replace(events[6], authority=Authority())
        events[11] = replace(events[11], source=EventSource("pacs-rje", "RJE"))
        log.append(events)

    def test_by_each_fact(self, database: Database, pseudonymiser: Pseudonymiser) -> None:
        search = AuditSearch(database)
        cases = {
            Query(patient=pseudonymiser.patient("9990000003")): [36, 25, 14, 3],
            Query(subject=pseudonymiser.subject("user-1"), after_index=20): [36, 29, 22],
            Query(study=pseudonymiser.study("1.2.826.0.1.9")): [9],
            Query(kind=EventKind.EXPORT): [5],
            Query(outcome=Outcome.MINOR): [5],
            Query(decision_id="decision-7"): [7],
            Query(token_jti="jti-8"): [8],
            Query(agreement_id="direct-care", before_index=8): [7, 5, 4, 3, 2, 1, 0],
            Query(custodian="RKB", before_index=2): [1, 0],
            Query(trust="RRK", before_index=2): [1, 0],
            Query(trust="RKB", before_index=2): [1, 0],
            Query(trust="RJE"): [11],
            Query(trust="RXW"): [],
            Query(source_id="pacs-rkb", event_id="event-4"): [4],
            Query(since=datetime(2026, 11, 24, 11, 5, tzinfo=UTC), until=datetime(2026, 11, 24, 11, 7, tzinfo=UTC)): [
                6,
                5,
            ],
        }
        for query, expected in cases.items():
            assert [event.index for event in search.find(query, 100)] == expected
            assert search.count(query) == len(expected)

    def test_pages_in_both_directions_miss_nothing(self, database: Database) -> None:
        search = AuditSearch(database)
        down, up = [], []
        query = Query(custodian="RKB")
        while page := search.find(query, 7):
            down += [event.index for event in page]
            query = replace(query, before_index=down[-1])
        query = Query(custodian="RKB")
        while page := search.find(query, 7, newest_first=False):
            up += [event.index for event in page]
            query = replace(query, after_index=up[-1])
        assert down == list(reversed(range(40)))
        assert up == list(range(40))
