"""The transparency log's read side: checkpoint and hash tiles (C2SP tlog-checkpoint, tlog-tiles).

Entry bundles are not served: an entry holds pseudonyms and sealed fields, and what the log shows to auditors are
commitments. A tile is the same for ever, so a full one may be kept by a cache for ever.
"""

import re

from flask import Blueprint, Response

from governance.errors import NotFound
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires

blueprint = Blueprint("log", __name__)
OCTETS = "application/octet-stream"
_PATH = re.compile(r"([0-5])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@blueprint.get("/log/checkpoint")
@requires(Scope.LOG_READ)
@operation(summary="The newest signed checkpoint", tag="log", response_media="text/plain")
def checkpoint() -> Response:
    """Give the newest checkpoint as a signed note."""
    return Response(
        current_services().infrastructure.audit.latest_checkpoint(), content_type="text/plain; charset=utf-8"
    )


@blueprint.get("/log/tile/<path:name>")
@requires(Scope.LOG_READ)
@operation(summary="A tile of hashes", tag="log", response_media=OCTETS)
def tile(name: str) -> Response:
    """Give a tile by its C2SP path: ``<L>/<N>`` with N as ``x001/234``, or ``<L>/<N>.p/<W>`` for a partial one."""
    level, number, width = parse_tile_path(name)
    response = Response(current_services().infrastructure.audit.tile(level, number, width), content_type=OCTETS)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if width is None else "no-store"
    return response


def parse_tile_path(name: str) -> tuple[int, int, int | None]:
    """Read level, number and width (None for a full tile) of a tile path; raises NotFound for any other spelling."""
    match = _PATH.fullmatch(name)
    if match is None or (match[3] is not None and int(match[3]) > 255):
        raise NotFound("audit.no_tile", "The log has no such tile.")
    number = int(match[2].replace("x", "").replace("/", ""))
    if tile_number_path(number) != match[2]:
        raise NotFound("audit.no_tile", "The log has no such tile.")
    return int(match[1]), number, int(match[3]) if match[3] else None


def tile_number_path(number: int) -> str:
    """Write a tile's number in groups of three digits, all but the last with ``x`` before it (tlog-tiles)."""
    last, rest = f"{number % 1000:03d}", number // 1000
    groups: list[str] = []
    while rest:
        groups.append(f"x{rest % 1000:03d}")
        rest //= 1000
    return "/".join([*reversed(groups), last])
