"""The style of the policies: what OPA itself checks, and the rules of Regal that matter here, as our own lint.

Regal's names are kept. Four rules are ours, each for a fault that was seen, and each a way to fail open:

- ``negate-whole-facts``: OPA evaluates the arguments of a negated call outside the negation, so a missing attribute
  makes ``not f(input.x)`` undefined instead of true;
- ``test-what-is-assigned``: the compiled embedded engine goes on after ``x := input.y`` where ``y`` is missing;
- ``bind-in-comprehension-body``: it also keeps an entry whose head is undefined, which OPA drops;
- ``no-loop-before-else``: and it gives up a rule whose looping body fails instead of going on to its ``else``.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

POLICIES = Path(__file__).resolve().parents[2] / "policies"
_PATIENCE = "120s"  # a test; OPA gives each five seconds of its own, too few on a busy machine
MODULES = sorted(path for path in POLICIES.rglob("*.rego") if not path.name.endswith("_test.rego"))
TESTS = sorted(POLICIES.rglob("*_test.rego"))
FILE_LINES, RULE_LINES, LINE_LENGTH = 150, 30, 120
LEAST_COVERAGE = 95.0  # per cent

RULE_HEAD = re.compile(r"^(default )?[a-z_][a-zA-Z0-9_]*(\(|\s|\[|\.)", re.MULTILINE)
NEGATION = re.compile(r"\bnot (.+?)(?=[;}\n]|$)")
WHOLE_FACT = re.compile(r"[a-z_]+(\.[a-z_]+)*\((\w+(, \w+)*)?\)|[a-z_.]+ == (true|false)")


def identify(path: Path) -> str:
    return str(path.relative_to(POLICIES))


def code(path: Path) -> str:
    """Give a module without its comments."""
    return "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))


def rules(path: Path) -> list[str]:
    """Give the text of each rule: from its head to the next blank line outside brackets."""
    blocks = re.split(r"\n\n(?=\S)", code(path))
    return [block for block in blocks if RULE_HEAD.match(block) and not block.startswith(("package ", "import "))]


def name_of(rule: str) -> str:
    found = re.match(r"(?:default )?([A-Za-z_0-9]+)", rule)
    assert found
    return found[1]


def loops_before_else(rule: str) -> bool:
    """Say whether a body that has an ``else`` after it loops, other than inside a comprehension."""
    bodies = rule.split("} else")[:-1]
    return any(re.search(r"\b(some|every)\b", re.sub(r"[\[{][^\[\]{}]*\|[^\[\]{}]*[\]}]", "", body)) for body in bodies)


def untested_assignments(rule: str) -> list[str]:
    """Give the local names that are assigned a plain reference and never asked whether there was anything there."""
    assigned = re.findall(r"^\t+(\w+) := [a-z_]+(?:\.|\[)[^(]*$", rule, re.MULTILINE)
    return [name for name in assigned if not re.search(rf"\b(is_[a-z]+|count)\({name}\)", rule)]


@pytest.mark.peer
def test_opa_fmt(opa: str) -> None:
    result = subprocess.run([opa, "fmt", "--list", "--fail", POLICIES], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.peer
def test_opa_check_strict(opa: str) -> None:
    result = subprocess.run([opa, "check", "--strict", POLICIES], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.peer
def test_opa_test_and_coverage(opa: str) -> None:
    verbose = subprocess.run(
        [opa, "test", "--timeout", _PATIENCE, POLICIES], capture_output=True, text=True, check=False
    )
    assert verbose.returncode == 0, verbose.stdout
    result = subprocess.run(
        [opa, "test", "--timeout", _PATIENCE, "--coverage", POLICIES], capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout)["coverage"] >= LEAST_COVERAGE


@pytest.mark.peer
def test_missing_metadata_and_the_entrypoints(opa: str) -> None:
    result = subprocess.run(
        [opa, "inspect", "--annotations", "--format", "json", POLICIES], capture_output=True, check=True
    )
    annotated: dict[str, set[str]] = {}
    entrypoints = []
    for found in json.loads(result.stdout)["annotations"]:
        file = Path(found["location"]["file"]).name
        path = ".".join(str(term["value"]) for term in found["path"])
        assert found["annotations"].get("description"), f"{path} has metadata without a description"
        annotated.setdefault(file, set()).add(path)
        if found["annotations"].get("entrypoint"):
            entrypoints.append(path)
    assert sorted(entrypoints) == [
        "data.imaging.decision.answer",
        "data.imaging.decision.answers",
        "data.imaging.filter.answer",
        "data.imaging.filter.include",
    ]
    for module in MODULES:
        package = "data." + ".".join(module.parent.relative_to(POLICIES).parts)
        public = {f"{package}.{name_of(rule)}" for rule in rules(module) if not name_of(rule).startswith("_")}
        assert public | {package} <= annotated[module.name], f"{module.name} lacks METADATA"


@pytest.mark.parametrize("module", MODULES, ids=identify)
class TestModule:
    def test_directory_package_mismatch(self, module: Path) -> None:
        package = ".".join(module.parent.relative_to(POLICIES).parts)
        assert f"package {package}\n" in module.read_text()
        assert module.stem == module.parent.name

    def test_has_its_test_beside_it(self, module: Path) -> None:
        beside = module.with_name(f"{module.stem}_test.rego")
        assert beside in TESTS
        package = ".".join(module.parent.relative_to(POLICIES).parts)
        assert beside.read_text().startswith(f"package {package}_test\n")

    def test_file_length(self, module: Path) -> None:
        assert module.read_text().count("\n") <= FILE_LINES

    def test_rule_length(self, module: Path) -> None:
        assert {name_of(rule): rule.count("\n") + 1 for rule in rules(module) if rule.count("\n") >= RULE_LINES} == {}

    def test_line_length(self, module: Path) -> None:
        assert [line for line in module.read_text().splitlines() if len(line) > LINE_LENGTH] == []

    def test_rule_name_repeats_package(self, module: Path) -> None:
        assert module.parent.name not in {name_of(rule) for rule in rules(module)}

    def test_print_or_trace_call(self, module: Path) -> None:
        assert not re.search(r"\b(print|trace)\(", code(module))

    def test_external_reference(self, module: Path) -> None:
        """Only the entrypoints' modules read ``input`` and ``data``; every helper takes arguments."""
        if module.stem in {"decision", "filter"}:
            return
        outside = [line for line in code(module).splitlines() if not line.startswith(("import ", "package "))]
        assert not re.search(r"\b(input|data)\.", "\n".join(outside))
        assert not re.search(r"\binput\b", "\n".join(outside))

    def test_prefer_some_in_iteration(self, module: Path) -> None:
        assert not re.search(r"\[_\]", code(module))

    def test_use_assignment_operator(self, module: Path) -> None:
        assert not re.search(r"[^=!<>:]=[^=]", re.sub(r'"[^"]*"', '""', code(module)))

    def test_non_deterministic_or_reaching_out(self, module: Path) -> None:
        """Only the entrypoint's module reads a clock, and only for the age of an edge's data."""
        called = re.findall(r"\b(?:http|net|opa|rand|time|uuid)\.[a-z_]+\(", code(module))
        assert called == (["time.now_ns("] if module.stem == "decision" else [])

    def test_negate_whole_facts(self, module: Path) -> None:
        compiled = {"input.study.label in terms.labels"}  # into a condition: a study without labels carries none
        for negated in set(map(str.strip, NEGATION.findall(code(module)))) - compiled:
            assert WHOLE_FACT.fullmatch(negated.strip()), f"not {negated.strip()}"

    def test_no_loop_before_else(self, module: Path) -> None:
        assert [name_of(rule) for rule in rules(module) if loops_before_else(rule)] == []

    def test_bind_in_comprehension_body(self, module: Path) -> None:
        heads = re.findall(r"[\[{]([^\[\]{}|\"]*?)\|[ \n]", re.sub(r'"[^"]*"', '""', code(module)))
        assert [head for head in heads if "." in head and ":=" not in head] == []

    def test_test_what_is_assigned(self, module: Path) -> None:
        assert [name for rule in rules(module) for name in untested_assignments(rule)] == []

    def test_todo_comment(self, module: Path) -> None:
        assert not re.search(r"#.*\b(TODO|FIXME|XXX)\b", module.read_text())


@pytest.mark.parametrize("module", TESTS, ids=identify)
def test_every_rego_test_is_named_as_one(module: Path) -> None:
    assert module.with_name(module.name.replace("_test.rego", ".rego")) in MODULES
    named = [name_of(rule) for rule in rules(module) if name_of(rule).startswith("test_")]
    assert named
    assert len(named) == len(set(named))
    assert not re.search(r"\b(print|trace)\(", code(module))
    assert not re.search(r"\btodo_test_", code(module))


def test_the_lint_catches_what_it_is_for() -> None:
    assert WHOLE_FACT.fullmatch("_satisfied(request, clause)")
    assert not WHOLE_FACT.fullmatch("is_array(request.resource.labels)")
    assert not WHOLE_FACT.fullmatch("request.action in clause.actions")
    assert untested_assignments("f(x) if {\n\ty := x.z\n\tx.a == 1\n}") == ["y"]
    assert untested_assignments("f(x) if {\n\ty := x.z\n\tis_number(y)\n}") == []
    assert loops_before_else("f(x) := 1 if {\n\tsome i in x\n\ti > 2\n} else := 2")
    assert not loops_before_else("f(x) := 1 if {\n\tcount([i | some i in x]) > 2\n} else := 2")
    assert not loops_before_else("f(x) := 1 if {\n\tsome i in x\n\ti > 2\n}")
