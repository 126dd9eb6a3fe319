"""Obligations: what must be done along with an answer, and by whom.

An agreement may name an obligation of any type. Those the policy itself makes are listed here, and some of them this
service fulfils on its own, from the audit log: they are never a burden on an enforcement point, so breaking the glass
works at the simplest of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ObligationType(StrEnum):
    """Obligations that the policy makes of itself, alphabetical."""

    FILTER_RESULTS = "filter_results"  # withhold from a search's results what the clause does not cover
    NOTIFICATION = "notification"  # tell the privacy officers named in the properties
    REVIEW = "review"  # a person reviews a share of these accesses
    STEP_UP = "step_up"  # in a denial: sign in again at the level named in the properties


WIRE_NAMES = {"notification": "notification", "session_termination": "session_termination", "step_up": "step-up"}
CUSTOM = "custom"  # on the wire, every obligation that the AuthZEN obligations draft has no name for
FULFILLED_HERE = frozenset({ObligationType.NOTIFICATION, ObligationType.REVIEW})


@dataclass(frozen=True, slots=True)
class Obligation:
    """One obligation; ``id`` is the same for every decision of the same clause."""

    id: str
    type: str
    properties: Mapping[str, Any]


def wire_type(kind: str) -> str:
    """Give the name of an obligation type in the AuthZEN obligations draft."""
    return WIRE_NAMES.get(kind, CUSTOM)


def honoured(kind: str, supported: frozenset[str]) -> bool:
    """Say whether an enforcement point that declared what it supports can do this; our own name counts as well."""
    return kind in supported or wire_type(kind) in supported


def unsupported(obligations: Iterable[Obligation], supported: frozenset[str] | None) -> tuple[Obligation, ...]:
    """Give the obligations that neither this service nor the enforcement point honours.

    Args:
        obligations: those of a permit.
        supported: what the enforcement point can honour; None when it did not say.
    """
    if supported is None:
        return ()
    return tuple(one for one in obligations if one.type not in FULFILLED_HERE and not honoured(one.type, supported))
