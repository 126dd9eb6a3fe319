"""What a permit by breaking the glass carries: who is notified, whether a person reviews it, and what it rests on.

A share of the uses is reviewed whatever they look like. Which ones is settled by a keyed hash of the use's name: nobody
can tell beforehand, the same use is always answered alike, and a use that cannot be placed is reviewed.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from governance.decisions.obligations import Obligation

ReviewSample: TypeAlias = Callable[[str, float], bool]
_LABEL = b"imaging-governance/review-sample\x01"
_SCALE = 1 << 64


@dataclass(frozen=True, slots=True)
class Approval:
    """The grant a permit rests on: its id, and the second since 1970 at which it ends."""

    id: str
    until: int


@dataclass(frozen=True, slots=True)
class Emergency:
    """One use of break-glass.

    ``minutes`` is how long the clause lets one last, ``share`` the share that is reviewed, ``notify`` the offices and
    ``owners`` the trusts (ODS codes) to notify. ``approval`` is the grant it rests on, None when a reason was stated.
    """

    minutes: int
    share: float
    notify: tuple[str, ...]
    owners: tuple[str, ...]
    approval: Approval | None


def emergency_of(obligations: Iterable[Obligation]) -> Emergency | None:
    """Read the use of break-glass from the obligations of a permit; None when no glass was broken."""
    named = {obligation.id.rpartition("/")[2]: obligation for obligation in obligations}
    alert, review = named.get("break_glass_alert"), named.get("break_glass_review")
    if alert is None or review is None:
        return None
    approval = review.properties.get("approval")
    return Emergency(
        minutes=int(review.properties["minutes"]),
        share=float(review.properties["share"]),
        notify=tuple(alert.properties["notify"]),
        owners=tuple(alert.properties["owners"]),
        approval=Approval(str(approval["id"]), int(approval["until"])) if approval else None,
    )


def review_sample(key_encryption_key: bytes) -> ReviewSample:
    """Give the sampling of uses that a person must review, keyed with a key derived under a label of its own."""
    key = hmac.digest(key_encryption_key, _LABEL, "sha256")

    def chosen(name: str, share: float) -> bool:
        place = int.from_bytes(hmac.digest(key, name.encode(), "sha256")[:8], "big")
        return place < share * _SCALE

    return chosen


def review_all(_name: str, _share: float) -> bool:
    """Choose every use: the default, where no sampling was set up."""
    return True
