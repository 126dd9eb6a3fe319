"""A receiver's context for the wire formats."""

import pytest

from governance.formats import Context
from governance.intake.tally import message_context
from governance.pseudonyms import Pseudonymiser
from tests.worlds.basics import NOON


@pytest.fixture
def context(pseudonymiser: Pseudonymiser) -> Context:
    return message_context(pseudonymiser, NOON, trusts={"RRK", "RKB"})
