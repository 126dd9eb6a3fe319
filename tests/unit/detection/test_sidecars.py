"""Each detector does what its sidecar says: the worked examples are run, and the handbook is what they make."""

import sys
from pathlib import Path

import pytest

from governance.alerts import Finding
from governance.detection import rules
from governance.detection.handbook import handbook
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import LATENESS, RuleMemory
from governance.detection.registry import default_rules
from governance.detection.rule import Rule
from governance.detection.sidecar import Example, sidecar_of
from tests.worlds.detection import LittleExplainer, region, story

RULES = {rule.id: rule for rule in default_rules()}
CASES = [(rule, example) for rule in RULES.values() for example in sidecar_of(rule.id).examples]
DOCS = Path(__file__).resolve().parents[3] / "docs"
FOLDER = Path(rules.__file__).parent


def told_by(rule: Rule, example: Example) -> list[Finding]:
    """Run an example through its rule."""
    world = region(example.world)
    return Scorer([rule], LittleExplainer(world)).score(story(example.events), world, RuleMemory())


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{rule.id}: {case.name}" for rule, case in CASES])
def test_an_example_gives_the_signals_it_promises(rule: Rule, example: Example) -> None:
    findings = told_by(rule, example)
    assert sorted({item.signal for found in findings for item in found.evidence}) == sorted(example.expect)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_sidecar_is_whole_and_agrees_with_the_code(rule: Rule) -> None:
    sidecar = sidecar_of(rule.id)
    assert (sidecar.id, sidecar.severity) == (rule.id, rule.severity)
    assert sidecar.reference
    assert sidecar.false_positives
    assert sidecar.runbook
    assert any(example.expect for example in sidecar.examples)
    assert any(not example.expect for example in sidecar.examples)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_signal_that_examples_show_is_explained(rule: Rule) -> None:
    sidecar = sidecar_of(rule.id)
    shown = {signal for example in sidecar.examples for signal in example.expect}
    assert shown <= set(sidecar.evidence)


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{rule.id}: {case.name}" for rule, case in CASES])
def test_a_sentence_names_nobody(rule: Rule, example: Example) -> None:
    told = story(example.events)
    names = {name for event in told for name in (event.subject.id if event.subject else None,) if name}
    names |= {
        name for event in told if event.resource for name in (event.resource.patient, event.resource.study) if name
    }
    for found in told_by(rule, example):
        for item in found.evidence:
            assert item.sentence.endswith(".")
            assert not any(name in item.sentence.split() for name in names)


def test_the_handbook_is_written_from_the_sidecars() -> None:
    assert (DOCS / "detectors.md").read_text() == handbook(default_rules(), LATENESS)


def test_every_module_and_every_sidecar_of_the_folder_is_a_detector() -> None:
    modules, sidecars = (sorted(path.stem for path in FOLDER.rglob(kind)) for kind in ("[!_]*.py", "*.yaml"))
    assert list(RULES) == modules == sidecars


def test_a_module_that_is_not_named_after_its_detector_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misnamed.py").write_text("from governance.detection.rules.records.self_access import RULE as RULE\n")
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    try:
        with pytest.raises(ValueError, match="the module misnamed holds the detector self_access"):
            default_rules()
    finally:
        sys.modules.pop(f"{rules.__name__}.misnamed", None)
