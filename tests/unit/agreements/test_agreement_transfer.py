"""Agreements out of one register and into another: the same text, signatures that still verify, or nothing at all."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from governance.agreements import Actor
from governance.agreements.documents import parse
from governance.agreements.packing import Format, render
from governance.agreements.signing import new_private_key, public_key_of
from governance.agreements.signing import sign as sign_text
from governance.clock import FixedClock
from governance.errors import Fault, Forbidden, InvalidInput
from governance.storage import Database
from governance.vocabulary import AgreementStatus as Status
from tests.worlds.agreements import OFFICE, World, document

GOLDEN = Path(__file__).parents[2] / "golden" / "agreements"


@pytest.fixture
def world(database: Database, clock: FixedClock) -> World:
    """Give the register that is exported."""
    return World(database, clock, "RRK", "RKB")


def items(world: World) -> list[dict[str, Any]]:
    return list(world.service.transfer.register())


def refused(world: World, *values: dict[str, Any], actor: Actor = OFFICE) -> dict[str, str]:
    """Load what is wrong and give its faults; nothing may be on file afterwards that was not before."""
    before, size = items(world), world.audit.tree_head()[0]
    with pytest.raises(InvalidInput) as caught:
        world.service.transfer.load(values, actor)
    assert items(world) == before
    assert world.audit.tree_head()[0] == size
    return {fault.path: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize("written", list(Format))
def test_what_left_arrives(world: World, elsewhere: World, written: Format) -> None:
    world.active()
    renewed = world.active(version=2)
    world.service.load([document(id="drafted")], OFFICE)
    text = render(world.service.transfer.register(), written)
    records = elsewhere.service.transfer.load(parse(text, "export", written), OFFICE)
    assert [(one.agreement.id, one.agreement.version, one.status) for one in records] == [
        ("drafted", 1, Status.DRAFT),
        ("two-trusts", 1, Status.SIGNED),
        ("two-trusts", 2, Status.SIGNED),
    ]
    arrived = elsewhere.service.get("two-trusts", 2)
    assert (arrived.text, arrived.text_hash) == (renewed.text, renewed.text_hash)
    assert arrived.valid == {"RKB", "RRK"}
    assert [one.signed_at for one in arrived.signatures] == [one.signed_at for one in renewed.signatures]
    assert render(elsewhere.service.transfer.register(), written) == text
    elsewhere.service.activate("two-trusts", 2, OFFICE)
    assert elsewhere.service.compiled().revision == world.service.compiled().revision


def test_arriving_twice_changes_nothing(world: World, elsewhere: World) -> None:
    world.active()
    elsewhere.service.transfer.load(items(world), OFFICE)
    before, size = elsewhere.service.history("two-trusts"), elsewhere.audit.tree_head()[0]
    elsewhere.service.transfer.load(items(world), OFFICE)
    assert (elsewhere.service.history("two-trusts"), elsewhere.audit.tree_head()[0]) == (before, size)


def test_every_step_of_an_arrival_is_audited(world: World, elsewhere: World) -> None:
    world.active()
    elsewhere.service.transfer.load(items(world), OFFICE)
    steps = sorted(str(detail["transition"]) for detail in elsewhere.details())
    assert steps == ["load", "register_key", "register_key", "sign", "sign"]
    assert [change.transition for change in elsewhere.service.history("two-trusts")] == ["load", "sign", "sign"]


def test_signatures_that_do_not_count_stay_behind(world: World, elsewhere: World) -> None:
    world.active()
    world.service.revoke_key(world.key("RKB"), OFFICE)
    (item,) = items(world)
    assert [line["ods"] for line in item["signatures"]] == ["RRK"]
    (record,) = elsewhere.service.transfer.load([item], OFFICE)
    assert (record.status, record.missing) == (Status.DRAFT, ("RKB",))


def test_a_key_that_was_revoked_here_brings_nothing(world: World, elsewhere: World) -> None:
    world.active()
    packed = items(world)
    elsewhere.signatories = world.signatories
    elsewhere.service.revoke_key(elsewhere.key("RKB"), OFFICE)
    assert refused(elsewhere, *packed) == {"/signatures/0/key_id": "was revoked"}


def test_an_agreement_that_is_over_arrives_as_evidence(world: World, elsewhere: World) -> None:
    ending = {"effective": {"from": "2026-01-01", "to": "2026-11-30"}, "review_date": "2026-09-30"}
    world.active(**ending)
    world.clock.advance(world.service.get("two-trusts").agreement.effective.ends_at - world.clock.now())
    (record,) = elsewhere.service.transfer.load(items(world), OFFICE)
    assert (record.status, record.missing) == (Status.SIGNED, ())
    assert elsewhere.service.compiled().document["index"] == {}
    elsewhere.service.expire_due(world.clock.now())
    assert elsewhere.service.get("two-trusts").status is Status.EXPIRED
    (again,) = elsewhere.service.transfer.load(items(world), OFFICE)
    assert again.status is Status.EXPIRED


def spoilt(item: dict[str, Any], change: str) -> dict[str, Any]:
    made = copy.deepcopy(item)
    line = made["signatures"][0]
    match change:
        case "text":
            made["agreement"]["title"] = "Another title"
            del made["text_hash"]
        case "hash":
            made["text_hash"] = "0" * 64
        case "party":
            line["ods"] = "RNA"
        case "key":
            line["public_key"] = public_key_of(new_private_key())
        case "pem":
            line["public_key"] = "not a key"
        case "algorithm":
            line["algorithm"] = "ES256"
        case "future":
            line["signed_at"] = "2199-01-01T00:00:00Z"
        case "extra":
            line["note"] = made["note"] = "more"
        case "document":
            made["agreement"]["dpia"] = ""
        case _:
            made["signatures"] = "none"
    return made


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ("text", {"/signatures/0/signature", "/signatures/1/signature"}),
        ("hash", {"/text_hash"}),
        ("party", {"/signatures/0/ods"}),
        ("key", {"/signatures/0/key_id", "/signatures/0/signature"}),
        ("pem", {"/signatures/0/public_key"}),
        ("algorithm", {"/signatures/0/algorithm"}),
        ("future", {"/signatures/0/signed_at"}),
        ("extra", {"/note", "/signatures/0/note"}),
        ("document", {"/agreement/dpia"}),
        ("list", {"/signatures"}),
    ],
)
def test_what_is_wrong_is_named_and_nothing_arrives(
    world: World, elsewhere: World, change: str, paths: set[str]
) -> None:
    world.active()
    (item,) = items(world)
    assert set(refused(elsewhere, spoilt(item, change))) == paths
    beside = refused(elsewhere, document(id="beside"), spoilt(item, change))
    assert set(beside) == {f"/1{path}" for path in paths}


def test_one_key_for_two_organisations_is_refused(world: World, elsewhere: World) -> None:
    record = world.signed()
    (item,) = items(world)
    private = world.signatories["RKB"].private_key
    item["signatures"][1] = item["signatures"][0] | {"ods": "RRK", "signature": sign_text(record.text, private)}
    assert refused(elsewhere, item) == {"/signatures/1/key_id": "is given for two organisations"}


def test_a_trust_brings_its_own_keys_only(world: World, elsewhere: World) -> None:
    world.active()
    (item,) = items(world)
    trust = Actor("office-rrk", "service", "RRK")
    assert set(refused(elsewhere, item, actor=trust)) == {"/signatures/0/key_id"}
    elsewhere.signatories = world.signatories
    elsewhere.key("RKB")
    (record,) = elsewhere.service.transfer.load([item], trust)
    assert record.status is Status.SIGNED
    with pytest.raises(Forbidden):
        elsewhere.service.transfer.load([item], Actor("office-rna", "service", "RNA"))


def test_a_trust_is_given_its_own_only(world: World) -> None:
    world.active()
    assert list(world.service.transfer.register("RNA")) == []
    assert len(list(world.service.transfer.register("RKB"))) == 1


def test_lines_are_read_to_the_line() -> None:
    assert parse('{"a":1}\n\n{"b":2}\n', "f", Format.NDJSON) == [{"a": 1}, {"b": 2}]
    with pytest.raises(InvalidInput) as caught:
        parse('{"a":1}\n{"a":', "f", Format.NDJSON)
    assert caught.value.faults == (Fault("f", "line 2: not valid JSON"),)


@pytest.mark.parametrize("written", list(Format))
def test_the_bytes_are_pinned(written: Format, database: Database, clock: FixedClock) -> None:
    """A file that was written once is read for ever, and written again is the same file."""
    kept = (GOLDEN / f"two-trusts.{written.value}").read_text(encoding="utf-8")
    world = World(database, clock)
    (record,) = world.service.transfer.load(parse(kept, "kept", written), OFFICE)
    assert record.status is Status.SIGNED
    assert record.text_hash == json.loads((GOLDEN / "two-trusts.ndjson").read_text())["text_hash"]
    assert render(world.service.transfer.register(), written) == kept
