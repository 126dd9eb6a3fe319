"""The two engines of the policy tests: the embedded one and a real OPA server (see ``tests/conftest.py``)."""

import pytest

from governance.decisions import OpaEngine, PolicySource, RegorusEngine
from tests.peers.opa import OpaServer, engine_at


@pytest.fixture(scope="session")
def policies() -> PolicySource:
    """Give the policies of this repository."""
    return PolicySource.from_directory()


@pytest.fixture(scope="session")
def opa_engine(opa_server: OpaServer, policies: PolicySource) -> OpaEngine:
    """Decide at the real OPA server."""
    return engine_at(opa_server.url, policies, 10)


@pytest.fixture(scope="session")
def embedded(policies: PolicySource) -> RegorusEngine:
    """Decide in this process."""
    return RegorusEngine(policies)
