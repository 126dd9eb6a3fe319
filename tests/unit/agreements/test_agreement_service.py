"""The use cases on a real database with a real audit log."""

from datetime import timedelta
from typing import Any

import pytest

from governance.agreements import Actor, Line, PolicyData
from governance.agreements.record import Record
from governance.agreements.signing import new_private_key, public_key_of, sign
from governance.audit import Receipt
from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.storage import Database
from governance.vocabulary import AgreementStatus as Status
from governance.vocabulary import EventKind
from tests.worlds.agreements import OFFICE, World, document

AI_TRUST = {"ods": "RWP", "role": "processor"}


@pytest.fixture
def world(database: Database, clock: FixedClock) -> World:
    return World(database, clock, "RRK", "RKB", "RWP")


def in_policy(world: World) -> dict[str, int]:
    index = world.service.compiled().document["index"]
    clauses = world.service.compiled().document["clauses"]
    named = {key for owners in index.values() for whys in owners.values() for keys in whys.values() for key in keys}
    return {clauses[key]["agreement"]: clauses[key]["version"] for key in named}


class TestLoading:
    def test_a_document_becomes_a_draft(self, world: World) -> None:
        (record,) = world.service.load([document()], OFFICE)
        assert record.status is Status.DRAFT
        assert record.missing == ("RKB", "RRK")
        assert world.details() == [{"transition": "load", "agreement": "two-trusts", "version": 1, "status": "draft"}]

    def test_a_party_is_an_organisation_of_the_federation(self, world: World) -> None:
        world.known.discard("RKB")
        with pytest.raises(InvalidInput) as caught:
            world.service.load([document(id="a"), document(id="b")], OFFICE)
        assert [fault.path for fault in caught.value.faults] == ["/0/parties/1/ods", "/1/parties/1/ods"]
        with pytest.raises(InvalidInput) as caught:
            world.service.transfer.load([{"agreement": document()}], OFFICE)
        assert [fault.path for fault in caught.value.faults] == ["/agreement/parties/1/ods"]
        assert world.service.list().records == ()

    def test_nothing_is_half_loaded(self, world: World) -> None:
        bad = document({"/version": "x", "/clauses/0/token/seconds": 500}, id="bad")
        with pytest.raises(InvalidInput) as refused:
            world.service.load([document(), bad, document(id="good"), document({"/dpia": ""}, id="worse")], OFFICE)
        assert [fault.path for fault in refused.value.faults] == [
            "/1/clauses/0/token/seconds", "/1/version", "/3/dpia",
        ]  # fmt: skip
        assert world.service.list().records == ()
        assert world.details() == []

    def test_loading_again_changes_nothing(self, world: World) -> None:
        first = world.service.load([document()], OFFICE)
        assert world.service.load([document()], OFFICE) == first
        assert len(world.details()) == 1

    def test_a_text_never_changes_under_its_version(self, world: World) -> None:
        world.service.load([document()], OFFICE)
        with pytest.raises(InvalidInput) as refused:
            world.service.load([document(title="Another")], OFFICE)
        assert refused.value.faults[0].path == "/version"
        assert "another text" in refused.value.faults[0].message

    def test_versions_follow_each_other(self, world: World) -> None:
        world.service.load([document(version=3)], OFFICE)
        world.service.load([document(version=4), document(version=5)], OFFICE)
        for wrong in (2, 7):
            with pytest.raises(InvalidInput):
                world.service.load([document(version=wrong)], OFFICE)
        assert [one.agreement.version for one in world.service.versions("two-trusts")] == [3, 4, 5]

    def test_one_text_twice_in_a_batch_is_one_version(self, world: World) -> None:
        world.service.load([document(), document()], OFFICE)
        with pytest.raises(InvalidInput):
            world.service.load([document(id="b"), document(id="b", title="Another")], OFFICE)
        assert len(world.service.list().records) == 1

    def test_a_stranger_cannot_load(self, world: World) -> None:
        with pytest.raises(Forbidden):
            world.service.load([document()], Actor("x", "person", "RJE"))


class TestSigning:
    def test_the_last_signature_makes_it_signed(self, world: World) -> None:
        (record,) = world.service.load([document()], OFFICE)
        record = world.sign(record, "RRK")
        assert (record.status, record.missing) == (Status.DRAFT, ("RKB",))
        record = world.sign(record, "RKB")
        assert (record.status, record.missing) == (Status.SIGNED, ())
        assert not record.in_force

    def test_signing_twice_with_one_key_changes_nothing(self, world: World) -> None:
        (record,) = world.service.load([document()], OFFICE)
        once = world.sign(record, "RRK")
        assert world.sign(record, "RRK") == once

    def test_a_wrong_signature_is_refused_and_nothing_is_kept(self, world: World) -> None:
        (record,) = world.service.load([document()], OFFICE)
        for signature in ("", sign(record.text + " ", world.signatories["RRK"].private_key)):
            with pytest.raises(InvalidInput) as refused:
                world.service.sign("two-trusts", 1, world.key("RRK"), signature, OFFICE)
            assert refused.value.faults[0].path == "/signature"
        assert world.service.get("two-trusts").signatures == ()

    def test_an_unknown_foreign_or_revoked_key_is_refused(self, world: World) -> None:
        (record,) = world.service.load([document()], OFFICE)
        revoked = world.key("RRK")
        world.service.revoke_key(revoked, OFFICE)
        for key_id, ods in (("nobody", "RRK"), (world.key("RWP"), "RWP"), (revoked, "RRK")):
            signature = sign(record.text, world.signatories[ods].private_key)
            with pytest.raises(InvalidInput) as refused:
                world.service.sign("two-trusts", 1, key_id, signature, OFFICE)
            assert refused.value.faults[0].path == "/key_id"

    def test_a_signature_is_for_one_version(self, world: World) -> None:
        first, second = world.service.load([document(), document(version=2)], OFFICE)
        with pytest.raises(InvalidInput):
            world.service.sign(
                "two-trusts", 2, world.key("RRK"), sign(first.text, world.signatories["RRK"].private_key), OFFICE
            )
        assert second.agreement.version == 2

    def test_unknown_agreements_are_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.service.sign("nothing", 1, "k", "s", OFFICE)


class TestLife:
    def test_only_a_signed_one_can_be_activated(self, world: World) -> None:
        world.service.load([document()], OFFICE)
        with pytest.raises(Conflict) as refused:
            world.service.activate("two-trusts", 1, OFFICE)
        assert refused.value.reason == "agreement.illegal_transition"

    def test_active_is_in_the_policy_and_suspended_is_not(self, world: World) -> None:
        assert world.active().in_force
        assert in_policy(world) == {"two-trusts": 1}
        suspended = world.service.suspend("two-trusts", 1, OFFICE, "an incident")
        assert (suspended.status, suspended.status_reason) == (Status.SUSPENDED, "an incident")
        assert in_policy(world) == {}
        assert "RKB" in world.service.compiled().document["lapsed"]
        assert world.service.activate("two-trusts", 1, OFFICE).in_force
        assert in_policy(world) == {"two-trusts": 1}

    def test_a_renewal_supersedes_in_one_step(self, world: World) -> None:
        world.active()
        renewed = world.signed(version=2)
        assert in_policy(world) == {"two-trusts": 1}
        assert world.service.get("two-trusts").agreement.version == 1
        world.service.activate("two-trusts", 2, OFFICE)
        first, second = world.service.versions("two-trusts")
        assert (first.status, first.superseded_by) == (Status.TERMINATED, 2)
        assert second.in_force
        assert in_policy(world) == {"two-trusts": 2}
        assert [one.text_hash for one in world.service.list().records] == [renewed.text_hash]
        assert world.details()[-2:] == [
            {
                "transition": "activate",
                "agreement": "two-trusts",
                "version": 2,
                "status": "active",
                "ends_at": "2027-01-01T00:00:00+00:00",
            },
            {"transition": "supersede", "agreement": "two-trusts", "version": 1, "status": "terminated"},
        ]

    def test_it_expires_by_the_clock(self, world: World, clock: FixedClock) -> None:
        record = world.active()
        assert world.service.expire_due(clock.now()) == ()
        clock.advance(record.agreement.effective.ends_at - clock.now() - timedelta(microseconds=1))
        assert world.service.expire_due(clock.now()) == ()
        clock.advance(timedelta(microseconds=1))
        assert world.service.expire_due(clock.now()) == (("two-trusts", 1),)
        assert world.service.get("two-trusts").status is Status.EXPIRED
        assert in_policy(world) == {}
        assert world.service.expire_due(clock.now()) == ()

    def test_a_terminated_one_stays_so(self, world: World) -> None:
        world.active()
        world.service.terminate("two-trusts", 1, OFFICE, "the pilot is over")
        for again in (world.service.suspend, world.service.terminate):
            with pytest.raises(Conflict):
                again("two-trusts", 1, OFFICE, "again")
        with pytest.raises(Conflict):
            world.service.activate("two-trusts", 1, OFFICE)

    def test_a_reason_is_a_sentence_and_no_book(self, world: World) -> None:
        world.active()
        for reason in ("", "   ", "x" * 501):
            with pytest.raises(InvalidInput):
                world.service.suspend("two-trusts", 1, OFFICE, reason)

    def test_a_party_moves_only_its_own_and_a_processor_none(self, world: World) -> None:
        parties = [{"ods": "RRK", "role": "controller"}, AI_TRUST]
        world.active(parties=parties, direction={"owners": ["RRK"], "recipients": ["RWP"]})
        for ods in ("RKB", "RWP"):
            with pytest.raises(Forbidden):
                world.service.suspend("two-trusts", 1, Actor("x", "person", ods), "because")
        assert world.service.suspend("two-trusts", 1, Actor("x", "person", "RRK"), "because").status_reason

    def test_the_history_tells_every_step(self, world: World) -> None:
        world.active()
        world.service.suspend("two-trusts", 1, OFFICE, "an incident")
        steps = [(one.transition, one.status, one.reason) for one in world.service.history("two-trusts")]
        assert steps == [
            ("load", Status.DRAFT, None),
            ("sign", Status.DRAFT, None),
            ("sign", Status.SIGNED, None),
            ("activate", Status.ACTIVE, None),
            ("suspend", Status.SUSPENDED, "an incident"),
        ]


class TestKeys:
    def test_revoking_a_key_takes_what_rests_on_it_out_of_the_policy(self, world: World) -> None:
        world.active()
        world.service.revoke_key(world.key("RRK"), OFFICE)
        record = world.service.get("two-trusts")
        assert (record.status, record.in_force, record.missing) == (Status.ACTIVE, False, ("RRK",))
        assert in_policy(world) == {}
        assert world.service.compiled().document["lapsed"] == {}
        assert world.service.overview(world.clock.now()).unsigned == 1

    def test_signing_with_a_new_key_first_keeps_it_in_force(self, world: World) -> None:
        record = world.active()
        old, private = world.key("RRK"), new_private_key()
        new = world.service.register_key("RRK", "B", "Guardian", public_key_of(private), OFFICE).key_id
        world.service.sign("two-trusts", 1, new, sign(record.text, private), OFFICE)
        world.service.revoke_key(old, OFFICE)
        assert world.service.get("two-trusts").in_force
        assert in_policy(world) == {"two-trusts": 1}

    def test_a_revoked_key_cannot_come_back(self, world: World) -> None:
        key_id = world.key("RRK")
        revoked = world.service.revoke_key(key_id, OFFICE)
        assert world.service.revoke_key(key_id, OFFICE) == revoked
        with pytest.raises(Conflict):
            world.key("RRK")

    def test_a_key_belongs_to_one_organisation(self, world: World) -> None:
        public = public_key_of(world.signatories["RRK"].private_key)
        world.key("RRK")
        with pytest.raises(Conflict):
            world.service.register_key("RKB", "A", "Guardian", public, OFFICE)
        with pytest.raises(Forbidden):
            world.service.register_key("RRK", "A", "Guardian", public, Actor("x", "service", "RKB"))
        with pytest.raises(Forbidden):
            world.service.revoke_key(world.key("RRK"), Actor("x", "service", "RKB"))
        with pytest.raises(NotFound):
            world.service.revoke_key("nothing", OFFICE)
        assert [key.ods for key in world.service.keys("RRK")] == ["RRK"]
        assert world.service.keys("RKB") == ()

    def test_every_fault_of_a_registration_is_named(self, world: World) -> None:
        with pytest.raises(InvalidInput) as refused:
            world.service.register_key("rrk", " ", "x" * 201, "pem", OFFICE)
        assert [fault.path for fault in refused.value.faults] == ["/name", "/role", "/ods", "/public_key"]


class TestPublishing:
    def test_a_subscriber_gets_the_policy_at_once_and_after_each_change(self, world: World) -> None:
        seen: list[PolicyData] = []
        end = world.service.subscribe(seen.append)
        world.active()
        world.service.suspend("two-trusts", 1, OFFICE, "an incident")
        end()
        world.service.activate("two-trusts", 1, OFFICE)
        assert len({policy.revision for policy in seen}) == len(seen) == 3
        assert seen[-1].document["index"] == {}

    def test_what_another_process_changed_is_taken_up(self, world: World) -> None:
        other = World(world.database, world.clock)
        seen: list[PolicyData] = []
        other.service.subscribe(seen.append)
        world.active()
        assert other.service.compiled() is seen[0]
        assert other.service.refresh().revision == world.service.compiled().revision
        assert other.service.refresh() is seen[-1]
        assert len(seen) == 2

    def test_a_subscriber_that_failed_is_tried_again(self, world: World) -> None:
        seen: list[str] = []

        def fragile(policy: PolicyData) -> None:
            seen.append(policy.revision)
            if len(seen) == 2:
                raise RuntimeError("the engine is down")

        told: list[str] = []
        world.service.subscribe(fragile)
        world.service.subscribe(lambda policy: told.append(policy.revision))
        world.signed()
        with pytest.raises(RuntimeError):
            world.service.activate("two-trusts", 1, OFFICE)
        assert world.service.get("two-trusts").in_force
        world.service.refresh()
        assert len(seen) == 3
        assert seen[1] == seen[2] == told[1]


class TestOneTransaction:
    def test_a_change_the_audit_log_refuses_does_not_happen(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.active()
        before = world.service.compiled().revision
        monkeypatch.setattr(world.audit, "append_in", lambda session, events: [Receipt(None, refused="full")])
        with pytest.raises(Conflict):
            world.service.suspend("two-trusts", 1, OFFICE, "an incident")
        with pytest.raises(Conflict):
            world.service.load([document(id="other")], OFFICE)
        assert world.service.get("two-trusts").status is Status.ACTIVE
        assert len(world.service.list().records) == 1
        assert world.service.refresh().revision == before

    def test_every_change_is_an_event_of_its_actor(self, world: World) -> None:
        world.active()
        world.service.suspend("two-trusts", 1, Actor("officer-7", "person", "RRK"), "an incident")
        event = world.audit.read(0, 100)[-1]
        assert event.kind is EventKind.CONFIG
        assert event.authority.agreement_id == "two-trusts"
        assert event.subject is not None
        assert event.subject.ods == "RRK"
        assert event.subject.id.startswith("s-")
        transitions = [detail["transition"] for detail in world.details()]
        assert transitions == ["load", "register_key", "sign", "register_key", "sign", "activate", "suspend"]


class TestReading:
    def names(self, records: tuple[Record, ...]) -> list[str]:
        return [f"{one.agreement.id}.{one.agreement.version}" for one in records]

    def test_a_list_is_walked_page_by_page(self, world: World) -> None:
        world.service.load([document(id=f"a-{n}") for n in range(5)], OFFICE)
        seen: list[str] = []
        after: tuple[str, int] | None = None
        while True:
            page = world.service.list(after=after, limit=2)
            seen += self.names(page.records)
            after = page.after
            if after is None:
                break
        assert seen == [f"a-{n}.1" for n in range(5)]

    def test_a_list_is_narrowed(self, world: World) -> None:
        world.active()
        parties = [{"ods": "RKB", "role": "controller"}, AI_TRUST]
        world.service.load(
            [document(id="other", parties=parties, direction={"owners": ["RKB"], "recipients": ["RWP"]})], OFFICE
        )
        service: Any = world.service
        assert self.names(service.list(status=Status.ACTIVE).records) == ["two-trusts.1"]
        assert self.names(service.list(ods="RWP").records) == ["other.1"]
        assert self.names(service.list(ods="RKB").records) == ["other.1", "two-trusts.1"]
        assert self.names(service.list(ods="RKB", seen_by="RWP").records) == ["other.1"]
        assert service.list(ods="RWP", seen_by="RRK").records == ()

    def test_a_line_is_of_the_version_that_speaks(self, world: World, database: Database) -> None:
        def agree() -> None:
            with database.reading() as session:
                lines = world.service.lines_in(session, ["two-trusts", "renewed", "draft", "nothing"])
            records = {name: world.service.get(name) for name in lines}
            assert lines == {name: Line(one.agreement.title, one.status) for name, one in records.items()}

        world.active(title="Two trusts")
        agree()
        world.active(id="renewed", title="The old text")
        world.signed(id="renewed", version=2, title="The new text")
        world.service.load([document(id="draft"), document(id="draft", version=2, title="Not signed")], OFFICE)
        agree()
        world.service.activate("renewed", 2, OFFICE)
        world.service.suspend("two-trusts", 1, OFFICE, "an incident")
        agree()
        with database.reading() as session:
            lines = world.service.lines_in(session, (name for name in ("two-trusts", "renewed", "draft", "nothing")))
        assert {name: line.title for name, line in lines.items()} == {
            "two-trusts": "Two trusts",
            "renewed": "The new text",
            "draft": "Not signed",
        }

    def test_what_binds_another_is_not_found(self, world: World) -> None:
        world.service.load([document()], OFFICE)
        assert world.service.get("two-trusts", seen_by="RKB").agreement.id == "two-trusts"
        with pytest.raises(NotFound):
            world.service.get("two-trusts", seen_by="RWP")
        with pytest.raises(NotFound):
            world.service.get("two-trusts", 2)
        with pytest.raises(NotFound):
            world.service.versions("nothing")

    def test_the_overview_counts(self, world: World, clock: FixedClock) -> None:
        world.active()
        world.service.load([document(id="other")], OFFICE)
        seen = world.service.overview(clock.now())
        assert (seen.by_status[Status.ACTIVE], seen.by_status[Status.DRAFT], seen.by_status[Status.EXPIRED]) == (
            1,
            1,
            0,
        )
        assert (seen.ending_soon, seen.unsigned) == (0, 0)
        assert world.service.overview(clock.now() + timedelta(days=10)).ending_soon == 1
