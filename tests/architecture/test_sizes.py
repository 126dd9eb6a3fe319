"""The size limits of the house: modules of 400 lines, functions of 60, rooms of 18 modules; more fails the build."""

import ast
import statistics
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_HARD_STOP = 400
MODULE_MEDIAN = 105
FUNCTION_HARD_STOP = 60
ROOM_HARD_STOP = 18  # modules at one level
LARGER = frozenset({"agreements", "commands", "console", "tokens"})  # rooms that are to be split when they next grow
APP_LIMIT = 30


def sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "app.py", "governance/*.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(
        ROOT / name for name in listed.stdout.split() if "/migrations/" not in name and (ROOT / name).is_file()
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_or_function_outgrows_its_room(path: Path) -> None:
    text = path.read_text()
    lines = text.count("\n")
    assert lines <= MODULE_HARD_STOP, f"{lines} lines"
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_HARD_STOP
    ]
    assert long == []


def test_the_usual_module_is_short() -> None:
    assert statistics.median(path.read_text().count("\n") for path in sources()) <= MODULE_MEDIAN


def test_no_room_holds_more_modules_at_one_level_than_can_be_overseen() -> None:
    levels = Counter(path.parent.relative_to(ROOT / "governance") for path in sources() if path.name != "app.py")
    crowded = {str(level) for level, modules in levels.items() if modules > ROOM_HARD_STOP}
    assert crowded == LARGER


def test_the_entry_is_nothing_but_an_entry() -> None:
    assert (ROOT / "app.py").read_text().count("\n") <= APP_LIMIT
