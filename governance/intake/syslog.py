"""The syslog carrier: frames that hold audit messages in XML (PS3.15 A.5, IHE Year 4).

1. A syslog sender is not answered, so a frame that cannot be taken is kept as it came.
2. The sender proves nothing: the message or the settings say which trust its events belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from governance.audit import Event
from governance.errors import Fault, GovernanceError, InvalidInput
from governance.formats import Context, Frame, Framing, parse_message, parse_syslog
from governance.intake.carrier import Carrier, Keeping
from governance.intake.quarantine import describe
from governance.intake.senders import Sender
from governance.intake.take import Intake


def read_syslog(raw: bytes, context: Context) -> tuple[Event, ...]:
    """Read one syslog frame that carries an audit message; raises InvalidInput for any other."""
    try:
        message = parse_syslog(raw)
    except ValueError as problem:
        raise InvalidInput([Fault("", str(problem))]) from None
    if not message.payload.startswith(b"<"):
        raise InvalidInput([Fault("", "carries no audit message in XML")])
    return parse_message(message.payload, context)


def take_frames(intake: Intake) -> Callable[[Sequence[Frame], str], None]:
    """Give what a syslog server hands frames of an address to; it raises Unavailable as :meth:`Intake.take` does."""

    def take(frames: Sequence[Frame], peer: str) -> None:
        intake.take(SYSLOG, enumerate(frames, 1), Sender(peer, proven=False))

    return take


def _read(frame: Frame, _sender: Sender, context: Context) -> Sequence[Event]:
    return read_syslog(frame.raw, context)


def _reason(frame: Frame, error: GovernanceError) -> str:
    return "; ".join(filter(None, (frame.defect, describe(error))))


def _pack(frame: Frame, _sender: Sender) -> bytes:
    return frame.raw


def _unpack(raw: bytes) -> tuple[Frame, Sender]:
    return Frame(raw, Framing.OCTETS), Sender("", proven=False)


SYSLOG = Carrier("dicom", _read, names_trust=True, reason=_reason, keeping=Keeping("syslog", _pack, _unpack))
