"""Who may import which library, beside the import contract of the rooms (``lint-imports``)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOVERNANCE = ROOT / "governance"

ALLOWED: dict[str, tuple[str, ...]] = {
    "flask": ("web/", "api/", "console/", "server/", "simulation/"),
    "jwt": ("tokens/", "web/", "simulation/"),
    "cryptography": (
        "tokens/",
        "pseudonyms/",
        "audit/signer.py",
        "audit/checker/",
        "agreements/signing.py",
        "simulation/",
    ),
    "opa_client": ("decisions/",),
    "regorus": ("decisions/", "impact/candidate.py"),
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
