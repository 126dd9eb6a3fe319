"""Candidate policies: every fault of a folder by file and line, and what a sound one cannot answer is a denial."""

import shutil
from pathlib import Path

import pytest

from governance.decisions import PolicySource
from governance.decisions.engine import POLICIES
from governance.errors import InvalidInput
from governance.impact.candidate import FILE_MAXIMUM, read_candidate

ENTRY = "imaging/decision/decision.rego"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the policies in force."""
    shutil.copytree(POLICIES, tmp_path / "candidate")
    return tmp_path / "candidate"


def refused(folder: Path) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        read_candidate(folder)
    return {fault.path: fault.message for fault in caught.value.faults}


def test_the_policies_in_force_are_a_candidate(folder: Path) -> None:
    assert read_candidate(folder) == PolicySource.from_directory()


def test_every_broken_module_is_named_with_its_line(folder: Path) -> None:
    (folder / "imaging" / "a.rego").write_text("package imaging.a\n\nx := {\n")
    (folder / "imaging" / "b.rego").write_text("x := 1\n")
    faults = refused(folder)
    assert faults[f"{folder}/imaging/a.rego:4"] == "expecting expression"
    assert "package" in faults[f"{folder}/imaging/b.rego:1"]


@pytest.mark.parametrize(
    ("body", "line", "told"),
    [
        ("x if no_such_function(1)\n", 3, "no_such_function"),
        ("x := unknown\n", 3, "unknown"),
        ('x := http.send({"method": "get", "url": "http://h"})\n', 3, "may not call http.send"),
        ('x := http["send"]({"method": "get", "url": "http://h"})\n', 3, "may not call http.send"),
        ('x := json.match_schema(1, {"$ref": "http://h"})\n', 3, "may not call json.match_schema"),
        ("x if { count([1]) with count as http.send }\n", 3, "may not replace count"),
        ('x := "#" if time.now_ns() > 0\n', 3, "may not call time.now_ns"),
        ("# opa.runtime is only spoken of\nx := opa.runtime()\n", 4, "may not call opa.runtime"),
    ],
)
def test_what_does_not_compile_or_reaches_beyond_is_named(folder: Path, body: str, line: int, told: str) -> None:
    entry = folder / ENTRY
    module = folder / "imaging" / "extra.rego"
    module.write_text(f"package imaging.extra\n\n{body}")
    text = entry.read_text()
    imported = text.replace("\nimport ", "\nimport data.imaging.extra\nimport ", 1)
    entry.write_text(f"{imported}\nanswer := extra.x if input.purpose == extra.x\n")
    faults = refused(folder)
    assert told in faults[f"{module}:{line}"]


def test_a_folder_must_hold_what_answers(tmp_path: Path) -> None:
    assert "holds no policy" in refused(tmp_path)[str(tmp_path)]
    (tmp_path / "other.rego").write_text("package other\n\nx := 1\n")
    assert "imaging.decision" in refused(tmp_path)[str(tmp_path)]
    (tmp_path / "decision.rego").write_text("package imaging.decision\n\nverdict := 1\n")
    assert list(refused(tmp_path)) == [str(tmp_path)]


def test_modules_must_be_told_apart(folder: Path) -> None:
    shutil.copy(folder / ENTRY, folder / "imaging" / "again.rego")
    assert any("same package" in told for told in refused(folder).values())


def test_what_is_no_text_or_too_large_is_named(folder: Path) -> None:
    (folder / "binary.rego").write_bytes(b"\xff\xfe")
    (folder / "large.rego").write_text("package large\n" + "#" * FILE_MAXIMUM)
    assert refused(folder) == {
        f"{folder}/binary.rego": "is not a file in UTF-8",
        f"{folder}/large.rego": "is larger than 256 KiB",
    }


def test_modules_that_import_each_other_in_a_ring_are_refused(folder: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (folder / f"{one}.rego").write_text(f"package imaging.{one}\n\nimport data.imaging.{other}\n\nx := {other}.y\n")
    assert refused(folder)
