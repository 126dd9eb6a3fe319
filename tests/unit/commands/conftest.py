"""Fixtures of the commands' tests."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Forget afterwards which log lines a command wrote and which it dropped."""
    yield
    structlog.reset_defaults()
