"""A carrier: how messages of one wire format become events, and how unreadable ones are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from governance.audit import Event
from governance.errors import GovernanceError, InvalidInput
from governance.formats import Context
from governance.intake.senders import Sender

Sent = TypeVar("Sent")


def faults_of(_sent: object, error: GovernanceError) -> str:
    """Name every fault of an error by its path."""
    if isinstance(error, InvalidInput):
        return "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults)
    return error.detail


@dataclass(frozen=True, slots=True)
class Keeping(Generic[Sent]):
    """How what cannot be taken waits in the quarantine.

    Args:
        name: the carrier's name there.
        pack: gives the bytes to keep of a thing sent, with what must be known of its sender; None for what is not kept.
        unpack: gives both back; raises InvalidInput for bytes that ``pack`` did not make.
    """

    name: str
    pack: Callable[[Sent, Sender], bytes | None]
    unpack: Callable[[bytes], tuple[Sent, Sender]]


@dataclass(frozen=True, slots=True)
class Carrier(Generic[Sent]):
    """How events of one wire format come in.

    Args:
        format: its name in the metrics.
        read: gives the events of one thing sent; raises InvalidInput.
        names_trust: whether its messages name their trust, so that the registered ones must be known to read them.
        reason: says in one line why a thing sent could not be read.
        keeping: how what cannot be taken is kept; None where the sender is answered and can send it better.
    """

    format: str
    read: Callable[[Sent, Sender, Context], Sequence[Event]]
    names_trust: bool = False
    reason: Callable[[Sent, GovernanceError], str] = faults_of
    keeping: Keeping[Sent] | None = None
