"""Commitments to sealed fields: one field is opened at a time, on both databases, and none after an erasure."""

import base64
import json
from dataclasses import replace
from hashlib import sha256

import pytest

from governance.audit import AuditLog, Event, Opening, Sealed
from governance.audit.checker.verify_entry import Refused, check_opening
from governance.audit.encoding import encode, parse
from governance.audit.event import BreakGlass, Identity
from governance.clock import FixedClock
from governance.pseudonyms import Vault
from governance.storage import Database
from tests.worlds.log import CheckLog, MakeEvent, some_event
from tests.worlds.proofs import proves

FIELDS = ("break_glass_reason", "patient", "series_uid", "study_uid", "subject")


def emergency(number: int) -> Event:
    """Make an event with every field that is sealed."""
    event = some_event(number, break_glass=BreakGlass("Arrest call in resus"))
    assert event.resource is not None
    return replace(event, resource=replace(event.resource, series_uid="1.2.3.4"))


def document(log: AuditLog, index: int) -> dict[str, object]:
    read: dict[str, object] = json.loads(log.entry_bytes(index))
    return read


def openings(log: AuditLog, index: int) -> dict[str, Opening]:
    """Open every field of an event that can be opened."""
    event = log.entry(index)
    return {name: found for name in FIELDS if (found := log.open_field(event, name)) is not None}


def test_every_sealed_field_is_opened_by_itself(log: AuditLog) -> None:
    (receipt,) = log.append([emergency(1)])
    entry, opened = document(log, receipt.index), openings(log, receipt.index)
    assert set(entry["commitments"]) == set(opened) == set(FIELDS)  # type: ignore[call-overload]
    said = log.reveal(log.entry(receipt.index))
    assert Identity(**{name: one.value for name, one in opened.items()}) == said
    for one in opened.values():
        check_opening(entry, json.loads(one.text()))
    assert len({one.salt for one in opened.values()}) == len(FIELDS)
    assert {len(one.salt) for one in opened.values()} == {16}


def test_a_commitment_is_what_the_page_says(log: AuditLog) -> None:
    (receipt,) = log.append([emergency(1)])
    one = openings(log, receipt.index)["patient"]
    hashed = b"imaging-governance/sealed-field/v1\0patient\0" + one.salt + one.value.encode()
    wanted = base64.b64encode(sha256(hashed).digest()).decode().rstrip("=")
    assert log.entry(receipt.index).commitments["patient"] == wanted


def test_the_same_value_is_never_committed_to_alike(log: AuditLog) -> None:
    receipts = log.append([emergency(number) for number in (1, 1 + 7 * 11)])
    first, second = (log.entry(receipt.index) for receipt in receipts)
    assert (first.subject, first.resource and first.resource.patient) == (
        second.subject,
        second.resource and second.resource.patient,
    )
    assert not set(first.commitments.values()) & set(second.commitments.values())


@pytest.mark.parametrize(
    "change",
    [{"value": "9990000002"}, {"field": "subject"}, {"salt": base64.b64encode(b"x" * 16).decode()}, {"index": 7}],
)
def test_an_opening_of_anything_else_is_refused(log: AuditLog, change: dict[str, object]) -> None:
    (receipt,) = log.append([emergency(1)])
    good = json.loads(openings(log, receipt.index)["patient"].text())
    with pytest.raises(Refused):
        check_opening(document(log, receipt.index), good | change)


@pytest.mark.parametrize("moved", [-16, -1, 1, 3, 10])
def test_no_octet_can_be_moved_between_salt_and_value(log: AuditLog, moved: int) -> None:
    """Their join is what is hashed: only a salt of one length keeps the value's first octets out of it."""
    (receipt,) = log.append([emergency(1)])
    good = json.loads(openings(log, receipt.index)["patient"].text())
    joined = base64.b64decode(good["salt"]) + good["value"].encode()
    salt, value = joined[: 16 + moved], joined[16 + moved :].decode("utf-8", "surrogateescape")
    with pytest.raises(Refused):
        check_opening(document(log, receipt.index), good | {"salt": base64.b64encode(salt).decode(), "value": value})


def test_after_an_erasure_nothing_is_opened_and_every_proof_holds(
    log: AuditLog, database: Database, vault: Vault, clock: FixedClock, signer: object, check_log: CheckLog
) -> None:
    (receipt,) = log.append([emergency(1)])
    event = log.entry(receipt.index)
    assert event.resource is not None
    assert event.resource.patient is not None
    before = log.entry_bytes(receipt.index)
    with database.transaction() as session:
        vault.destroy(session, event.resource.patient, clock.now())
    assert set(openings(log, receipt.index)) == {"subject"}
    assert log.entry_bytes(receipt.index) == before
    assert proves(log.proof(receipt.index), before, signer.verifier())  # type: ignore[attr-defined]
    (late,) = log.append([emergency(1 + 7 * 11)])
    assert set(log.entry(late.index).commitments) == {"subject"}, "what is not sealed is not committed to"


def test_an_event_sent_again_is_known_whatever_its_salts_were(log: AuditLog) -> None:
    (first,) = log.append([emergency(1)])
    (again,) = log.append([emergency(1)])
    assert (again.index, again.duplicate) == (first.index, True)
    (other,) = log.append([replace(emergency(1), break_glass=BreakGlass("Something else"))])
    assert other.refused is not None


def test_an_entry_from_before_commitments_is_read_revealed_and_known(
    log: AuditLog, database: Database, vault: Vault, make_event: MakeEvent, check_log: CheckLog
) -> None:
    """What was written before stays as it is: its envelope holds no salts, so it opens nothing."""
    (receipt,) = log.append([make_event(1)])
    event = log.entry(receipt.index)
    with database.transaction() as session:
        parts = []
        for part in event.sealed:
            fields = vault.unseal(session, part.owner, part.envelope)
            assert fields is not None
            parts.append(Sealed(part.owner, vault.seal(session, part.owner, fields)))
        old = parse(encode(event, event.index, parts, {}))
    assert old.commitments == {}
    assert log.reveal(old) == log.reveal(event)
    assert [log.open_field(old, name) for name in FIELDS] == [None] * len(FIELDS)
    log.sign_checkpoint()
    assert check_log().ok


def test_a_reason_that_no_text_can_carry_costs_its_neighbours_nothing(log: AuditLog) -> None:
    """A lone surrogate is sealed as it was before there were commitments."""
    odd = replace(emergency(1), break_glass=BreakGlass("\ud800"))
    receipts = log.append([emergency(0), odd, emergency(2)])
    assert [receipt.refused for receipt in receipts] == [None] * 3
    one = openings(log, receipts[1].index)["break_glass_reason"]
    check_opening(document(log, receipts[1].index), json.loads(one.text()))
