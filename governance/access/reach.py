"""Reach: what the agreements can open at all, read from the policy data, so that a search looks nowhere else.

A candidate is not a hit: every one is decided by the policy. Reach may only ever leave out what the policy would refuse
whatever else is so, which two facts allow, and a property test holds search and policy together:

1. without a clause in the index between the requesting organisation, a custodian and the purpose there is no permit;
2. a clause that requires a relationship permits nobody without a tie, or without a reason a person gives for one study:
   to break the glass, to claim the relationship. A search carries no such reason (``search.py``). Any other clause, one
   of a kind this module does not know too, is *open*.
"""

from collections.abc import Collection

from governance.agreements import PolicyData
from governance.vocabulary import Purpose

_TIED = frozenset({"required", "self_claim"})


def custodians(data: PolicyData, ods: str | None, purpose: Purpose) -> dict[str, bool]:
    """Give the custodians that some active agreement opens to an organisation for the purpose, and whether openly.

    Args:
        data: the policy data the search decides with.
        ods: the requesting organisation; None reaches nothing.
        purpose: what for.
    """
    by_custodian = data.document["index"].get(ods, {}) if ods else {}
    return {
        custodian: any(data.document["clauses"][key]["relationship"] not in _TIED for key in keys)
        for custodian, by_purpose in by_custodian.items()
        if (keys := by_purpose.get(purpose.value))
    }


def requesters(data: PolicyData, owners: Collection[str], purpose: Purpose) -> dict[str, bool]:
    """Give the organisations to which some active agreement opens one of these custodians, and whether openly."""
    found = {ods: custodians(data, ods, purpose) for ods in data.document["index"]}
    return {
        ods: any(reached[owner] for owner in owners if owner in reached)
        for ods, reached in found.items()
        if any(owner in reached for owner in owners)
    }
