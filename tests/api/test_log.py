"""The log's read side: checkpoint and tiles under their C2SP paths."""

from dataclasses import replace

import pytest

from governance.api.audit.transparency import parse_tile_path, tile_number_path
from governance.errors import NotFound
from governance.formats import parse_event
from tests.worlds.audit_callers import ORIGIN, AuditWorld
from tests.worlds.audit_messages import NATIVE


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
        "entries/000",
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
