"""The syslog carrier: frames that hold audit messages in XML (PS3.15 A.5, IHE Year 4).

1. A syslog sender is not answered, so a frame that cannot be taken is kept as it came.
2. The sender proves nothing: the message or the settings say which trust its events belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from governance.audit import Event, Recorder
from governance.audit.encoding import instant
from governance.audit.event import JsonValue
from governance.errors import Fault, GovernanceError, InvalidInput
from governance.formats import Context, Frame, Framing, parse_message, parse_syslog
from governance.intake._syslog_connection import Cut
from governance.intake.carrier import Carrier, Keeping
from governance.intake.quarantine import describe
from governance.intake.senders import Sender
from governance.intake.take import Intake
from governance.vocabulary import EventKind, Outcome

NAMED = 100  # connections that one event names; it counts the rest


def read_syslog(raw: bytes, context: Context) -> tuple[Event, ...]:
    """Read one syslog frame that carries an audit message; raises InvalidInput for any other."""
    try:
        message = parse_syslog(raw)
    except ValueError as problem:
        raise InvalidInput([Fault("", str(problem))]) from None
    if not message.payload.startswith(b"<"):
        raise InvalidInput([Fault("", "carries no audit message in XML")])
    return parse_message(message.payload, context)


def take_frames(intake: Intake) -> Callable[[Sequence[Frame], str], int | None]:
    """Give what a syslog server hands frames of an address to.

    It gives the index of the last event recorded, and raises Unavailable as :meth:`Intake.take` does.
    """

    def take(frames: Sequence[Frame], peer: str) -> int | None:
        return intake.take(SYSLOG, enumerate(frames, 1), Sender(peer, proven=False)).tally.last_index

    return take


def record_cuts(recorder: Recorder, cuts: Sequence[Cut]) -> None:
    """Record connections that this end closed with bytes unread or a frame half read: one event for all of them.

    Raises:
        Unavailable: the log cannot take it now.
    """
    listed: list[dict[str, JsonValue]] = [
        {
            "source": cut.source,
            "time": instant(cut.at),
            "why": cut.why.value,
            "unread_bytes": cut.unread,
            "half_frame_bytes": cut.half,
            "frames_lost": cut.lost,
            "frames_kept": cut.frames,
            "last_frame_sha256": cut.last_frame,
            "last_index": cut.last_index,
        }
        for cut in cuts
    ]
    named: list[JsonValue] = [*listed[:NAMED]]
    detail: dict[str, JsonValue] = {"act": "syslog_cut_off", "connections": len(listed), "named": named}
    recorder.record(EventKind.RECORDING, Outcome.SERIOUS, detail=detail)


def _read(frame: Frame, _sender: Sender, context: Context) -> Sequence[Event]:
    return read_syslog(frame.raw, context)


def _reason(frame: Frame, error: GovernanceError) -> str:
    return "; ".join(filter(None, (frame.defect, describe(error))))


def _pack(frame: Frame, _sender: Sender) -> bytes:
    return frame.raw


def _unpack(raw: bytes) -> tuple[Frame, Sender]:
    return Frame(raw, Framing.OCTETS), Sender("", proven=False)


SYSLOG = Carrier("dicom", _read, names_trust=True, reason=_reason, keeping=Keeping("syslog", _pack, _unpack))
