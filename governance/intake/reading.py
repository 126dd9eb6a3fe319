"""Reading: one thing sent becomes events that its sender may send, or a typed error; nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Generic

from governance.audit import Event
from governance.errors import Fault, GovernanceError, InvalidInput
from governance.formats import Context
from governance.intake.carrier import Carrier, Sent
from governance.intake.senders import Sender, check_sender
from governance.telemetry import get_logger

FAULT = "could not be read through a fault of this service"
_log = get_logger(__name__)


class Reader(Generic[Sent]):
    """Reads things of one carrier, by what is registered at one instant.

    Args:
        carrier: how they are read.
        context: makes the context of a sender's messages.
    """

    def __init__(self, carrier: Carrier[Sent], context: Callable[[Sender], Context]) -> None:
        self._carrier = carrier
        self._context = cache(context)

    def read(self, thing: Sent, sender: Sender) -> tuple[Event, ...]:
        """Give the events of one thing.

        Raises:
            InvalidInput: it cannot be read, or the sender may not send it.
            GovernanceError: it cannot be read through a fault of this service, which is logged.
        """
        return self._events(lambda: (thing, sender))

    def reread(self, raw: bytes) -> tuple[Event, ...]:
        """Give the events of a kept thing; raises as :meth:`read` does."""
        keeping = self._carrier.keeping
        if keeping is None:
            raise GovernanceError("audit.not_kept", "Nothing that came this way is kept.")
        return self._events(lambda: keeping.unpack(raw))

    def _events(self, found: Callable[[], tuple[Sent, Sender]]) -> tuple[Event, ...]:
        try:
            thing, sender = found()
            return _checked(tuple(self._carrier.read(thing, sender, self._context(sender))), sender)
        except GovernanceError:
            raise
        except Exception:  # noqa: BLE001  a fault of a reader stays with the thing that showed it
            _log.exception("audit events not read", format=self._carrier.format)
            raise GovernanceError("audit.not_read", FAULT) from None


def _checked(events: tuple[Event, ...], sender: Sender) -> tuple[Event, ...]:
    """Give events back that their sender may send; raises InvalidInput for any other, and when there is none."""
    if not events:
        raise InvalidInput([Fault("", "holds no event")])
    for event in events:
        check_sender(event, sender)
    return events
