"""The log's read side: checkpoint and tiles under their C2SP paths."""

from dataclasses import replace

import pytest

from governance.api.audit.transparency import parse_tile_path, tile_number_path
from governance.audit.merkle import leaf_hash
from governance.errors import NotFound
from governance.formats import parse_event
from governance.vocabulary import EventKind
from tests.worlds.audit_callers import ORIGIN, AuditWorld
from tests.worlds.audit_messages import NATIVE

NAMES = ("000", "001.p/44")


def unbundled(body: bytes) -> list[bytes]:
    """Take an entry bundle apart (C2SP tlog-tiles, "Log Entries")."""
    entries = []
    while body:
        length = int.from_bytes(body[:2], "big")
        entries.append(body[2 : 2 + length])
        body = body[2 + length :]
    return entries


def fill(world: AuditWorld, size: int) -> None:
    """Let the log grow to so many entries."""
    base = parse_event(NATIVE, world.clock.now())
    world.record(*(replace(base, id=f"e{number}") for number in range(size - world.start)))


def test_the_checkpoint_is_a_signed_note_of_the_log(world: AuditWorld) -> None:
    fill(world, 30)
    world.log.sign_checkpoint()
    answer = world.client.get("/log/checkpoint", headers=world.by("region"))
    assert answer.content_type == "text/plain; charset=utf-8"
    note = answer.get_data(as_text=True)
    assert note.startswith(f"{ORIGIN}\n30\n")
    assert world.verifier().verify(note).size == 30


def test_tiles_hold_the_leaf_hashes(world: AuditWorld) -> None:
    fill(world, 300)
    leaves = [event.leaf_hash for event in world.log.read(0, 300)]
    full = world.client.get("/log/tile/0/000", headers=world.by("region"))
    assert full.get_data() == b"".join(leaves[:256])
    assert full.content_type == "application/octet-stream"
    assert "immutable" in full.headers["Cache-Control"]
    part = world.client.get("/log/tile/0/001.p/44", headers=world.by("region"))
    assert part.get_data() == b"".join(leaves[256:])
    assert part.headers["Cache-Control"] == "no-store"
    above = world.client.get("/log/tile/1/000.p/1", headers=world.by("region"))
    assert len(above.get_data()) == 32


@pytest.mark.parametrize(
    "name",
    [
        "0/001",
        "0/001.p/45",
        "0/002",
        "1/000",
        "6/000",
        "0/0",
        "0/x000/000",
        "0/000.p/0",
        "0/000.p/256",
        "x",
    ],
)
def test_no_other_tile_is_there(world: AuditWorld, name: str) -> None:
    fill(world, 300)
    assert world.client.get(f"/log/tile/{name}", headers=world.by("region")).status_code == 404


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (67, "067"), (1234, "x001/234"), (1234067, "x001/x234/067"), (999, "999")]
)
def test_a_tile_number_is_written_in_groups_of_three(number: int, path: str) -> None:
    assert tile_number_path(number) == path
    assert parse_tile_path(f"2/{path}.p/7") == (2, number, 7)


@pytest.mark.parametrize(
    "path", ["0/1", "0/x001", "0/x000/001", "00/000", "0/-01", "0/000.p/007", "0/\u0660\u0660\u0660"]
)
def test_a_tile_has_one_spelling(path: str) -> None:
    with pytest.raises(NotFound):
        parse_tile_path(path)


def test_the_log_needs_its_scope(world: AuditWorld) -> None:
    assert world.client.get("/log/checkpoint").status_code == 401
    assert world.client.get("/log/tile/0/000", headers=world.by("writer")).status_code == 403
    fill(world, 256)
    for name in ("000", "000.p/1", "999"):
        assert world.client.get(f"/log/tile/entries/{name}").status_code == 401
        assert world.client.get(f"/log/tile/entries/{name}", headers=world.by("region")).status_code == 403
    assert world.client.get("/log/tile/0/000", headers=world.by("replica")).status_code == 403
    assert world.client.get("/audit/v1/events/0/entry", headers=world.by("replica")).status_code == 403


def test_a_replica_reads_whole_bundles_and_each_look_is_recorded(world: AuditWorld) -> None:
    fill(world, 300)
    answers = [world.client.get(f"/log/tile/entries/{name}", headers=world.by("replica")) for name in NAMES]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.content_type for answer in answers} == {"application/octet-stream"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    entries = [entry for answer in answers for entry in unbundled(answer.get_data())]
    assert entries == [world.log.entry_bytes(index) for index in range(300)]
    tiles = [world.client.get(f"/log/tile/0/{name}", headers=world.by("region")).get_data() for name in NAMES]
    assert b"".join(map(leaf_hash, entries)) == b"".join(tiles)
    looks = world.log.read(300, 10)
    assert [(look.kind, look.detail["door"], look.detail["returned"]) for look in looks] == [
        (EventKind.AUDIT_READ, "/log/tile/entries/{name}", 256),
        (EventKind.AUDIT_READ, "/log/tile/entries/{name}", 44),
    ]


@pytest.mark.parametrize("name", ["001", "001.p/45", "002", "0", "x000/000", "000.p/0", "000.p/256", "1/000", "x"])
def test_no_other_bundle_is_there(world: AuditWorld, name: str) -> None:
    fill(world, 300)
    assert world.client.get(f"/log/tile/entries/{name}", headers=world.by("replica")).status_code == 404
    assert world.log.tree_head()[0] == 300
