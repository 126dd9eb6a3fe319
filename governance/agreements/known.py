"""What the history of facts holds of agreements: where each version stood, since when, and within which dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.facts import Fact, Version
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import AgreementStatus

AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class KnownAgreement:
    """A version of an agreement as it was known: ``status`` since ``since``, of effect from ``begins_at`` on.

    ``ends_at`` is the instant at which it is over, whether and when somebody marked it expired or not.
    """

    agreement_id: str
    version: int
    status: AgreementStatus
    since: datetime
    begins_at: datetime
    ends_at: datetime
    superseded_by: int | None = None

    def in_force(self, at: datetime) -> bool:
        """Say whether it was in force at an instant, as far as it was known."""
        return self.status is AgreementStatus.ACTIVE and max(self.since, self.begins_at) <= at < self.ends_at


def agreement_fact(
    agreement_id: str,
    version: int,
    status: str,
    since: datetime,
    begins_at: datetime,
    ends_at: datetime,
    superseded_by: int | None,
) -> Fact:
    """Give a version of an agreement as it is to be known; looked up by its agreement."""
    moments = {"since": since, "begins_at": begins_at, "ends_at": ends_at}
    return Fact(
        AGREEMENT,
        f"{agreement_id} {version}",
        {"version": version, "status": status, "superseded_by": superseded_by}
        | {name: to_microseconds(moment) for name, moment in moments.items()},
        subject=agreement_id,
    )


def known_agreement(version: Version) -> KnownAgreement:
    """Give a version of an agreement as it was known."""
    said = version.said()
    return KnownAgreement(
        agreement_id=version.subject or "",
        version=said["version"],
        status=AgreementStatus(said["status"]),
        since=from_microseconds(said["since"]),
        begins_at=from_microseconds(said["begins_at"]),
        ends_at=from_microseconds(said["ends_at"]),
        superseded_by=said.get("superseded_by"),
    )
