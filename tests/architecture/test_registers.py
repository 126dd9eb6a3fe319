"""Federation, catalogue and relationships are changed in one place: by nobody but the use cases of ``registers/``."""

import ast
from pathlib import Path

import pytest

from governance.catalogue import Catalogue
from governance.federation import FederationDirectory
from governance.relationships import Relationships

GOVERNANCE = Path(__file__).resolve().parents[2] / "governance"
WRITES = frozenset(
    name
    for register in (Catalogue, FederationDirectory, Relationships)
    for name in vars(register)
    if name.startswith(("register_", "approve_", "withdraw_", "upsert"))
)
REGISTERS = ("catalogue/", "federation/", "relationships/", "registers/")


def changes_a_register(text: str) -> bool:
    """Say whether a module calls, or takes hold of, what writes into a register."""
    return any(isinstance(node, ast.Attribute) and node.attr in WRITES for node in ast.walk(ast.parse(text)))


def test_nothing_but_the_registers_room_changes_a_register() -> None:
    changing = {
        str(path.relative_to(GOVERNANCE)) for path in GOVERNANCE.rglob("*.py") if changes_a_register(path.read_text())
    }
    assert {name for name in changing if not name.startswith(REGISTERS)} == set()
    assert {"registers/feeds.py", "registers/registrations.py"} <= changing


def test_the_ways_to_change_one_are_known() -> None:
    assert {"register_trust", "approve_manifest", "upsert", "upsert_edges", "upsert_patients", "upsert_staff"} <= WRITES


@pytest.mark.parametrize(
    "text", ["services.registers.federation.register_trust(session, trust)", "put = self._catalogue.upsert"]
)
def test_a_change_from_elsewhere_is_found(text: str) -> None:
    assert changes_a_register(text)
    assert not changes_a_register("with reading() as session: registers.federation.trusts(session)")
