"""The log's promises, on a real database: order, idempotence, pseudonyms and erasure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from governance.audit import (
    AuditLog,
    BreakGlass,
    Identity,
    NoteSigner,
    Recorder,
    Resource,
    merkle,
)
from governance.audit import Source as EventSource
from governance.clock import FixedClock
from governance.errors import Conflict, NotFound
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import SYSTEM, Outcome, SubjectType
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent, erase
from tests.worlds.proofs import proves


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
        recorder = Recorder(log, clock, EventSource(SYSTEM, "QHL"), lambda: "erasure-1")
        with database.transaction() as session:
            erase(session, vault, recorder, clock, pseudonymiser.patient("9990000001"))
        assert log.reveal(log.entry(1)) == Identity(subject="user-1")
        assert log.entry_bytes(1) == entry
        assert proves(evidence, entry, signer.verifier())
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
        assert (report.size, report.signed_size, report.checkpoints) == (600, 600, 4)
