"""W3C trace context (Trace Context level 1, section 3.2): read a ``traceparent``, or begin a trace, and carry it on."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """One request's place in a trace; ids are lower-case hexadecimal."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def header(self) -> str:
        """Give the ``traceparent`` to send on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def continue_trace(traceparent: str | None, random_hex: Callable[[int], str]) -> Trace:
    """Take up the caller's trace with a span of our own; a missing or broken header begins a new one.

    Args:
        traceparent: the header's value, if any.
        random_hex: gives that many random bytes in hexadecimal.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None or set(found[1]) == {"0"} or set(found[2]) == {"0"}:
        return Trace(random_hex(16), random_hex(8), "00")
    return Trace(found[1], random_hex(8), found[3])
