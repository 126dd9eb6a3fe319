"""Whose events a sender may send, and whose a message is."""

import pytest

from governance.errors import InvalidInput
from governance.intake import Sender
from governance.intake.senders import Trusts, trust_of

TRUSTS = Trusts({"RRK", "RKB"}, {"vna-1": "RKB"})
BOUND = Sender("client", "RRK")
REGION = Sender("region")
STRANGER = Sender("10.1.2.3", proven=False)


@pytest.mark.parametrize(
    ("sender", "ods", "may"),
    [(BOUND, "RRK", True), (BOUND, "RKB", False), (REGION, "RKB", True), (STRANGER, "RKB", True)],
)
def test_a_bound_sender_sends_for_its_own_trust_and_any_other_for_all(sender: Sender, ods: str, may: bool) -> None:
    assert sender.may_send(ods) is may


@pytest.mark.parametrize(
    ("sender", "source_id", "site", "expected"),
    [
        (BOUND, "x", None, "RRK"),
        (BOUND, "x", "RRK", "RRK"),
        (BOUND, "vna-1", None, "RRK"),  # it proved who it is: what the settings say of sources is for others
        (BOUND, "x", "Main building", "RRK"),
        (REGION, "vna-1", "RRK", "RRK"),
        (STRANGER, "x", "RRK", "RRK"),
        (STRANGER, "vna-1", None, "RKB"),
        (STRANGER, "vna-1", "RRK", "RKB"),
    ],
)
def test_a_message_belongs_to_the_trust_that_is_proven_registered_or_named(
    sender: Sender, source_id: str, site: str | None, expected: str
) -> None:
    assert trust_of(sender, TRUSTS, source_id, site, "/site") == expected


@pytest.mark.parametrize(
    ("sender", "source_id", "site", "fault"),
    [
        (BOUND, "x", "RKB", "names a trust that this sender may not report for"),
        (REGION, "vna-1", None, "names no registered trust, and the sender is registered for none"),
        (REGION, "x", "XXX", "names no registered trust, and the sender is registered for none"),
        (STRANGER, "x", "XXX", "names no registered trust, and the sender is registered for none"),
    ],
)
def test_a_message_of_no_trust_or_of_another_is_a_fault_of_its_site(
    sender: Sender, source_id: str, site: str | None, fault: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        trust_of(sender, TRUSTS, source_id, site, "/site")
    assert [(each.path, each.message) for each in caught.value.faults] == [("/site", fault)]
