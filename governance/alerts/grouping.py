"""Which findings are one incident.

The same family of rules, the same subject, the same patient, trust or service, and the same week of event time.
Windows are fixed weeks (Monday 00:00 UTC), not weeks since the first finding: a sliding start would make the set of
incidents depend on the order in which late events arrive.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from governance.alerts.finding import Finding

WINDOW = timedelta(days=7)
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_ID_LENGTH = 20  # base32 characters: 100 bits


def window_start(at: datetime) -> datetime:
    """Give the start of the week of event time that holds ``at``."""
    return _FIRST_MONDAY + (at - _FIRST_MONDAY) // WINDOW * WINDOW


def group_key(finding: Finding) -> str:
    """Give the key that every finding of one incident shares."""
    week = window_start(finding.occurred_at).date().isoformat()
    return "|".join((finding.family, finding.subject or "-", finding.about, week))


def alert_id(key: str, ordinal: int) -> str:
    """Give the id of the ``ordinal``-th alert of a group (0 first): the same log gives the same ids, always."""
    digest = sha256(f"{key}#{ordinal}".encode()).digest()
    return f"a-{base64.b32encode(digest)[:_ID_LENGTH].decode().lower()}"
