"""The life of an agreement as a state machine: the service against a model that knows only the rules of the text."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.agreements import Record
from governance.agreements.rehearsal import new_signatories
from governance.clock import FixedClock
from governance.errors import Conflict
from governance.storage import Database
from governance.vocabulary import AgreementStatus as Status
from tests.worlds.agreements import OFFICE, World, document

PARTIES = ("RKB", "RRK")
ENDED = {Status.EXPIRED, Status.TERMINATED}
versions = Bundle("versions")
parties = st.sampled_from(PARTIES)


@dataclass
class Version:
    """What the model knows of a version."""

    first: date
    last: date
    status: Status = Status.DRAFT
    signed: set[str] = field(default_factory=set)
    superseded: bool = False


class Life(RuleBasedStateMachine):
    """Any order of loading, signing, moving, revoking keys and passing of days."""

    world: World
    examples = 0

    @initialize()
    def begin(self) -> None:
        Life.examples += 1
        self.name = f"agreement-{Life.examples}"
        self.model: dict[int, Version] = {}
        self.steps = 0

    @property
    def today(self) -> date:
        return self.world.clock.now().date()

    @rule(target=versions, begins=st.integers(-2, 1), days=st.integers(3, 30))
    @precondition(lambda self: len(self.model) < 3)
    def load(self, begins: int, days: int) -> int:
        version = len(self.model) + 1
        first = self.today + timedelta(days=begins)
        made = Version(first, first + timedelta(days=days))
        effective = {"from": made.first.isoformat(), "to": made.last.isoformat()}
        self.world.service.load(
            [document(id=self.name, version=version, effective=effective, review_date=effective["to"])], OFFICE
        )
        self.model[version] = made
        self.steps += 1
        return version

    @rule(version=versions)
    def sign_by_all(self, version: int) -> None:
        for ods in PARTIES:
            self.sign_by(version, ods)

    @rule(version=versions, ods=parties)
    def sign(self, version: int, ods: str) -> None:
        self.sign_by(version, ods)

    def sign_by(self, version: int, ods: str) -> None:
        known = self.model[version]
        record = self.record(version)
        already = ods in known.signed
        legal = already or known.status not in ENDED
        if self.tried(lambda: self.world.sign(record, ods), legal) and not already:
            known.signed.add(ods)
            self.steps += 1
            if known.status is Status.DRAFT and known.signed == set(PARTIES):
                known.status = Status.SIGNED

    @rule(version=versions)
    def activate(self, version: int) -> None:
        known = self.model[version]
        legal = (
            known.status in {Status.SIGNED, Status.SUSPENDED}
            and known.signed == set(PARTIES)
            and known.first <= self.today
        )
        if self.tried(lambda: self.world.service.activate(self.name, version, OFFICE), legal):
            self.steps += 1
            if self.today > known.last:  # for the record
                known.status = Status.EXPIRED
                return
            known.status = Status.ACTIVE
            for older, other in self.model.items():
                if older < version and not other.superseded:
                    other.superseded = True
                    if other.status not in ENDED:
                        other.status = Status.TERMINATED
                        self.steps += 1

    @rule(version=versions)
    def suspend(self, version: int) -> None:
        known = self.model[version]
        legal = known.status is Status.ACTIVE
        if self.tried(lambda: self.world.service.suspend(self.name, version, OFFICE, "an incident"), legal):
            known.status = Status.SUSPENDED
            self.steps += 1

    @rule(version=versions)
    def terminate(self, version: int) -> None:
        known = self.model[version]
        legal = known.status not in ENDED
        if self.tried(lambda: self.world.service.terminate(self.name, version, OFFICE, "the end"), legal):
            known.status = Status.TERMINATED
            self.steps += 1

    @rule(ods=parties)
    def revoke(self, ods: str) -> None:
        self.world.service.revoke_key(self.world.key(ods), OFFICE)
        self.world.signatories |= new_signatories({ods: ods})
        for known in self.model.values():
            known.signed.discard(ods)

    @rule(days=st.sampled_from([1, 1, 1, 9, 30]))
    def pass_days(self, days: int) -> None:
        self.world.clock.advance(timedelta(days=days))

    @rule()
    def expire(self) -> None:
        gone = self.world.service.expire_due(self.world.clock.now())
        due = {
            version
            for version, known in self.model.items()
            if known.status in {Status.ACTIVE, Status.SIGNED, Status.SUSPENDED} and known.last < self.today
        }
        assert {version for name, version in gone if name == self.name} == due
        for version in due:
            self.model[version].status = Status.EXPIRED
        self.steps += len(due)

    @invariant()
    def the_service_agrees_with_the_model(self) -> None:
        if not self.model:
            return
        records = {one.agreement.version: one for one in self.world.service.versions(self.name)}
        assert {number: one.status for number, one in records.items()} == {
            number: known.status for number, known in self.model.items()
        }
        assert {number: set(one.valid) for number, one in records.items()} == {
            number: known.signed for number, known in self.model.items()
        }
        assert {number for number, one in records.items() if one.superseded_by is not None} == {
            number for number, known in self.model.items() if known.superseded
        }
        assert len(self.world.service.history(self.name)) == self.steps

    @invariant()
    def only_one_signed_active_version_is_in_the_policy(self) -> None:
        policy = self.world.service.compiled().document
        key = f"{self.name}/4.1"
        active = [number for number, known in self.model.items() if known.status is Status.ACTIVE]
        assert len(active) <= 1
        in_force = [number for number in active if self.model[number].signed == set(PARTIES)]
        indexed = key in policy["index"].get("RKB", {}).get("RRK", {}).get("TREAT", [])
        assert indexed == bool(in_force)
        if in_force:
            assert policy["clauses"][key]["version"] == in_force[0]
            assert key not in policy["lapsed"].get("RKB", {}).get("RRK", {}).get("TREAT", [])

    def record(self, version: int) -> Record:
        return self.world.service.get(self.name, version)

    def tried(self, act: object, legal: bool) -> bool:
        """Do it, and say whether it was done; it must be done exactly when it is legal."""
        try:
            act()  # type: ignore[operator]
        except Conflict:
            assert not legal
            return False
        assert legal
        return True


def every_step_is_audited(world: World, name: str) -> None:
    """Hold the log to the history of an agreement: the same steps, in the same order, to the same states."""
    size, _ = world.audit.tree_head()
    logged = [event.detail for event in world.audit.read(0, size) if event.detail.get("agreement") == name]
    assert [(one["transition"], one["version"], one["status"]) for one in logged] == [
        (step.transition, step.version, step.status) for step in world.service.history(name)
    ]


def test_any_life_is_one_the_text_allows(sqlite_database: Database, clock: FixedClock) -> None:
    Life.world = World(sqlite_database, clock, *PARTIES)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    assert Life.examples > 0
    for number in range(1, Life.examples + 1):
        every_step_is_audited(Life.world, f"agreement-{number}")
    fresh = World(sqlite_database, clock)
    assert fresh.service.compiled().revision == Life.world.service.compiled().revision
