"""Fixtures of the wire formats: a receiver's context and the golden messages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance.formats import Context
from governance.intake.tally import message_context
from governance.pseudonyms import Pseudonymiser

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "audit"


@pytest.fixture
def context(pseudonymiser: Pseudonymiser) -> Context:
    return message_context(pseudonymiser, NOW, trusts={"RRK", "RKB"})


def golden(kind: str) -> list[Path]:
    """Give the golden files below a folder, in order."""
    return sorted(path for path in (GOLDEN / kind).iterdir() if path.is_file())
