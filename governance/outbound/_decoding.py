"""From the bytes of a body to what they were compressed from, as they come in: gzip or deflate, whole or not at all."""

import zlib
from typing import Any

from governance.outbound.failure import CallOutcome, OutboundFailed

_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_NAMES = {"gzip", "x-gzip"}  # RFC 9110 section 8.4.1.3: the same


class Decoder:
    """Decompresses one body.

    Args:
        encoding: the body's Content-Encoding.

    Raises:
        OutboundFailed: UNREADABLE, for any but gzip, deflate and identity.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "deflate", *_GZIP_NAMES}:
            raise OutboundFailed(CallOutcome.UNREADABLE)
        self._compressed = name not in {"", "identity"}
        self._gzip = name in _GZIP_NAMES
        self._stream: Any = None  # of zlib, which does not name its type
        self._begun = b""  # of a deflate body, until its kind is known

    def feed(self, piece: bytes, most: int) -> bytes:
        """Give what the next bytes decompress to, cut off after ``most`` bytes. Raises OutboundFailed: UNREADABLE."""
        if not self._compressed:
            return piece
        try:
            return self._inflate(piece, most)
        except zlib.error:
            raise OutboundFailed(CallOutcome.UNREADABLE) from None

    def end(self) -> None:
        """Say that no more comes. Raises OutboundFailed: BROKEN, when the compressed stream has not come to its end."""
        if self._compressed and (self._begun or self._stream is None or not self._stream.eof):
            raise OutboundFailed(CallOutcome.BROKEN)

    def _inflate(self, piece: bytes, most: int) -> bytes:
        found = bytearray()
        while piece and len(found) < most:
            if self._stream is None or self._stream.eof:
                self._begun += piece
                if len(self._begun) < 2:  # the header by which a deflate body says its kind
                    break
                self._stream = self._next()
                piece, self._begun = self._begun, b""
            found += self._stream.decompress(piece, most - len(found))
            piece = self._stream.unused_data
        return bytes(found)

    def _next(self) -> Any:
        """Begin a stream: the first, or the next member of gzip."""
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        if self._stream is not None:
            raise zlib.error("more follows a deflate stream that is over")
        return zlib.decompressobj(_ZLIB if _says_zlib(self._begun) else _BARE)


def _says_zlib(begun: bytes) -> bool:
    """Say whether a deflate body has zlib's header (RFC 1950), as it must; some servers send bare deflate."""
    return begun[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begun[:2], "big") % 31 == 0
