"""Which findings are one incident (pure).

1. The same family of rules, the same subject, the same patient, trust or service, and of one kind; and close in event
   time: within ``CLOSENESS`` of the span from the incident's first finding to its latest. The span slides as the
   incident goes on, so a case that goes on for a month is one case.
2. Ids are made of the group and of how many incidents it had before, never of a finding or a log index: which of its
   findings came first does not matter to the id.
3. A late finding that is close to two open incidents of a group makes them one: the one opened first takes it and all
   that the other holds, and the other closes and names it.

So the incidents that are open in the end do not depend on the order in which findings came. What does: the number of
an incident in its group (and with it its id), where findings more than ``CLOSENESS`` apart came in reverse; and whether
an incident that was told meanwhile, and then joined, is still there as a closed one that names the other.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256

from governance.alerts.finding import Finding, Party
from governance.vocabulary import AlertKind, Capacity

CLOSENESS = timedelta(days=7)
_ID_LENGTH = 20  # base32 characters: 100 bits


def group_key(finding: Finding) -> str:
    """Give the key that the findings of one incident, and of those before and after it, share."""
    parts = (finding.family, finding.subject or "-", finding.about)
    return "|".join(parts if finding.kind is AlertKind.ALERT else (finding.kind.value, *parts))


def near(opened_at: datetime, latest_at: datetime, at: datetime) -> bool:
    """Say whether an instant is close enough to an incident's span to belong to it."""
    return opened_at - CLOSENESS <= at <= latest_at + CLOSENESS


def alert_id(key: str, ordinal: int) -> str:
    """Give the id of the ``ordinal``-th alert of a group (0 first): the same log gives the same ids, always."""
    digest = sha256(f"{key}#{ordinal}".encode()).digest()
    return f"a-{base64.b32encode(digest)[:_ID_LENGTH].decode().lower()}"


def parties_of(finding: Finding) -> frozenset[Party]:
    """Give whose verdict is wanted on a finding: those it names, and each other trust that should see it.

    A trust of which nothing else is known answers for the images; for a service or an agreement where no patient and
    nobody's acts are concerned.
    """
    named = {party.ods for party in finding.parties}
    about_people = finding.patient is not None or bool(finding.subject or finding.subjects)
    other = Capacity.CONTROLLER if about_people else Capacity.SPONSOR
    return frozenset((*finding.parties, *(Party(ods, other) for ods in finding.trusts if ods not in named)))
