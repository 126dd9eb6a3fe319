"""What every world stands on: a noon, an address, keys, and the settings made of them."""

import base64
from datetime import UTC, datetime

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ISSUER = "http://127.0.0.1:8080"


def secret(byte: int) -> str:
    """Give 32 bytes that differ from each other, base64."""
    return base64.b64encode(bytes((byte + n) % 256 for n in range(32))).decode()


def demo_environment(database_url: str, issuer: str = ISSUER) -> dict[str, str]:
    """Give the environment of a service of the demo profile, with keys of its own, on a database."""
    return {
        "GOVERNANCE_PROFILE": "demo",
        "GOVERNANCE_ISSUER": issuer,
        "GOVERNANCE_ORGANISATION": "QHL",
        "GOVERNANCE_DATABASE_URL": database_url,
        "GOVERNANCE_PSEUDONYM_KEY": secret(1),
        "GOVERNANCE_KEY_ENCRYPTION_KEY": secret(2),
        "GOVERNANCE_LOG_SIGNING_KEY": secret(3),
        "GOVERNANCE_SESSION_KEY": secret(4),
    }
