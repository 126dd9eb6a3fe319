"""Impact of changed policies: the logged decisions asked again under a candidate folder of Rego."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.agreements import Moved, Transition
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.decisions import PolicySource
from governance.decisions.engine import POLICIES
from governance.errors import InvalidInput
from governance.impact import ImpactReport
from governance.impact.candidate import read_candidate
from governance.impact.rendering import document, summary
from tests.worlds.impact import AGREEMENT, ImpactWorld

RECIPIENTS = "imaging/recipients/recipients.rego"
Candidate = Callable[[str, str, str], PolicySource]


@pytest.fixture
def world(services: Services, clock: FixedClock) -> ImpactWorld:
    """Decide a few accesses: a permit, a denial for the role, a denial for the training."""
    made = ImpactWorld(services, clock)
    made.ask()
    made.ask("nurse")
    made.ask("stale", role="clinician")
    return made


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """Give the policies in force with a text in one of their modules replaced."""

    def changed(module: str, old: str, new: str) -> PolicySource:
        folder = shutil.copytree(POLICIES, tmp_path / "candidate", dirs_exist_ok=True)
        text = (folder / module).read_text()
        assert old in text
        (folder / module).write_text(text.replace(old, new))
        return read_candidate(folder)

    return changed


def effects(report: ImpactReport) -> dict[str, int]:
    return {effect.value: count for effect, count in sorted(report.tally.effects.items())}


def test_the_same_policies_change_nothing(world: ImpactWorld) -> None:
    report = world.suppose(policies=PolicySource.from_directory())
    assert report.same
    assert (effects(report), report.tally.decisions) == ({}, 3)
    assert "The policy would be the same: nothing changes for anybody." in summary(report)


def test_who_gains_by_wider_rules(world: ImpactWorld, candidate: Candidate) -> None:
    wider = candidate(
        RECIPIENTS, "request.subject.role in clause.roles", 'request.subject.role in {"clinician", "nurse"}'
    )
    report = world.suppose(policies=wider, examples=1)
    assert not report.same
    assert effects(report) == {"gains": 1}
    (change,) = report.changes
    group = change.group
    assert (group.trust, group.custodian, group.role, group.purpose) == ("RKB", "RRK", "nurse", "TREAT")
    assert change.reasons == (("role.not_covered", 1),)
    (example,) = change.examples
    assert world.services.infrastructure.audit.entry(example.index).authority.decision_id == example.decision_id
    told = document(report)
    assert told["policy_revision"] == told["supposed_revision"]
    assert told["rules"] != told["supposed_rules"] == wider.digest
    assert summary(report)[0] == f"Supposing the candidate policies {wider.digest[:12]} were in force."


def test_who_loses_by_narrower_rules(world: ImpactWorld, candidate: Candidate) -> None:
    narrower = candidate(RECIPIENTS, "request.subject.role in clause.roles", 'request.subject.role == "consultant"')
    report = world.suppose(policies=narrower)
    assert effects(report) == {"loses": 1}
    assert report.changes[0].reasons == (("role.not_covered", 1),)


def test_rules_and_terms_are_supposed_together(world: ImpactWorld, candidate: Candidate) -> None:
    wider = candidate(RECIPIENTS, "request.subject.role in clause.roles", "true")
    report = world.suppose(Moved(AGREEMENT, 1, Transition.SUSPEND), policies=wider)
    assert effects(report) == {"loses": 1}
    assert summary(report)[0].startswith("Supposing two-trusts version 1 were suspended and the candidate policies ")


def test_what_a_candidate_cannot_answer_is_a_denial(world: ImpactWorld, candidate: Candidate) -> None:
    torn = candidate("imaging/verdict/verdict.rego", '"permit": true,', '"permit": "yes",')
    report = world.suppose(policies=torn)
    assert effects(report) == {"loses": 1}
    assert report.changes[0].reasons == (("engine.invalid_answer", 1),)


def test_a_candidate_that_never_answers_is_refused(world: ImpactWorld, tmp_path: Path) -> None:
    (tmp_path / "decision.rego").write_text("package imaging.decision\n\nanswer := 7 if input.purpose\n")
    with pytest.raises(InvalidInput) as caught:
        world.suppose(policies=read_candidate(tmp_path))
    assert [fault.path for fault in caught.value.faults] == ["/policies"]


def test_asking_changes_nothing(world: ImpactWorld, candidate: Candidate) -> None:
    world.suppose(policies=candidate(RECIPIENTS, "request.subject.role in clause.roles", "true"))
    assert not world.ask("nurse").decision.permit
    assert world.suppose(policies=PolicySource.from_directory()).tally.decisions == 4
