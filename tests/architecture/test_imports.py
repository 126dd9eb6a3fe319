"""Who may import which library, beside the import contract of the rooms (``lint-imports``)."""

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOVERNANCE = ROOT / "governance"
OURS = {"app", "benchmarks", "governance", "tests"}
# Imported when the demo's archive reads a file, and when detection is measured; `make dev` installs the dev list.
DEVELOPMENT = {"numpy", "pydicom", "scikit-learn"}

ALLOWED: dict[str, tuple[str, ...]] = {
    "flask": ("web/", "api/", "console/", "server/", "simulation/"),
    "jwt": ("tokens/", "web/", "simulation/"),
    "http_message_signatures": ("tokens/",),
    "cryptography": (
        "tokens/",
        "pseudonyms/",
        "audit/signer.py",
        "audit/checker/",
        "agreements/signing.py",
        "simulation/",
    ),
    "opa_client": ("decisions/",),
    "regorus": ("decisions/", "rego/", "impact/candidate.py"),
    "pydantic_settings": ("settings/",),
    "sqlmodel": ("storage/",),
    "sqlalchemy": ("storage/",),
}
SESSION_ONLY = {"Session"}  # a type that rooms pass on, never open


def imported(path: Path) -> list[tuple[str, set[str]]]:
    found: list[tuple[str, set[str]]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], {alias.name}) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module.split(".")[0], {alias.name for alias in node.names}))
    return found


@pytest.mark.parametrize("path", sorted(GOVERNANCE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_library_stays_in_its_rooms(path: Path) -> None:
    place = str(path.relative_to(GOVERNANCE))
    private_store = path.name.endswith(("_tables.py", "_store.py"))
    for library, names in imported(path):
        rooms = ALLOWED.get(library)
        if rooms is None or place.startswith(rooms):
            continue
        if library in {"sqlmodel", "sqlalchemy"} and (private_store or names <= SESSION_ONLY):
            continue
        pytest.fail(f"{place} imports {library} ({', '.join(sorted(names))})")


def named(requirements: str) -> set[str]:
    """Give the packages that a list names, by their normal names."""
    found = re.findall(
        r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[\w+\])?==\S+", (ROOT / requirements).read_text(), re.MULTILINE
    )
    return {normal(name) for name in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(paths: Iterable[Path]) -> set[str]:
    """Give the packages whose modules are imported, by their normal names."""
    modules = {module for path in paths for module, _ in imported(path)} - sys.stdlib_module_names - OURS
    owners = packages_distributions()
    return {normal(owners[module][0]) for module in modules}


def test_every_package_the_service_imports_is_named_and_pinned() -> None:
    needed = packages([ROOT / "app.py", *GOVERNANCE.rglob("*.py")])
    assert needed - named("requirements.in") == DEVELOPMENT
    assert named("requirements-dev.in") >= DEVELOPMENT


def test_every_package_the_tests_import_is_named_and_pinned() -> None:
    needed = packages(path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
    assert needed <= named("requirements.in") | named("requirements-dev.in")


@pytest.mark.parametrize("requirements", ["requirements.in", "requirements-dev.in"])
def test_every_package_is_pinned_and_its_lock_holds_it(requirements: str) -> None:
    lines = [line for line in (ROOT / requirements).read_text().splitlines() if not line.startswith(("#", "-c "))]
    assert len(named(requirements)) == len(lines)
    locked = (ROOT / requirements).with_suffix(".txt").read_text()
    assert set(re.findall(r"^([a-z0-9][^=\[ ]*)(?:\[\w+\])?==", locked, re.MULTILINE)) >= named(requirements)
    assert not re.findall(r"://|^(?:--index-url|--find-links|-i|-f)\b", locked, re.MULTILINE)
