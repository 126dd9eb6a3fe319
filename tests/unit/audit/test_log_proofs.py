"""The log's proofs, on a real database: inclusion, consistency, tiles and signed checkpoints."""

import pytest
from sqlalchemy import text

from governance.audit import (
    AuditLog,
    NoteSigner,
    merkle,
    proof,
)
from governance.audit.checkpoint import parse as parse_note
from governance.clock import FixedClock
from governance.errors import Conflict, NotFound
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent
from tests.worlds.proofs import proves


class TestProofs:
    def test_every_entry_of_a_log_of_several_tiles_is_proved(
        self, log: AuditLog, make_event: MakeEvent, signer: NoteSigner
    ) -> None:
        log.append([make_event(number) for number in range(600)])
        log.sign_checkpoint()
        for index in (0, 1, 255, 256, 511, 512, 598, 599):
            evidence = log.proof(index)
            assert evidence.size == 600
            assert proves(evidence, log.entry_bytes(index), signer.verifier())
            assert not proves(evidence, log.entry_bytes(index) + b" ", signer.verifier())
            assert proof.parse(evidence.text()) == evidence

    def test_a_proof_by_another_log_does_not_hold(self, log: AuditLog, make_event: MakeEvent) -> None:
        log.append([make_event(0)])
        stranger = NoteSigner.from_seed(ORIGIN, b"x" * 32).verifier()
        with pytest.raises(ValueError, match="no valid signature"):
            proves(log.proof(0), log.entry_bytes(0), stranger)

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
