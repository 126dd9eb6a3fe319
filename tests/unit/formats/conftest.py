"""A receiver's context for the wire formats."""

import pytest

from governance.formats import Context
from governance.pseudonyms import Pseudonymiser
from tests.worlds.basics import NOON
from tests.worlds.formats import context_of


@pytest.fixture
def context(pseudonymiser: Pseudonymiser) -> Context:
    return context_of(pseudonymiser, NOON)
