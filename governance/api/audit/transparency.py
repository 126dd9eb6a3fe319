"""The transparency log's read side: checkpoint, hash tiles and entry bundles (C2SP tlog-checkpoint, tlog-tiles).

1. Checkpoint and tiles are commitments: who has ``log.read`` learns from them how many events there are, and no more. A
   full tile is the same for ever, so a cache may keep it for ever.
2. The program that checks a proof is for everybody: one file, which shares no code with the service.
3. A bundle is 256 whole entries, of every trust, with their pseudonyms and sealed fields. It takes a scope of its own,
   ``log.replicate``, each is recorded like any look at the audit, and no cache keeps it. No key of a sealed field is
   ever served.
"""

import re
from pathlib import Path

from flask import Blueprint, Response

from governance.api.audit._looks import Look, record_look
from governance.audit.checker import verify_entry
from governance.errors import NotFound
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, public, requires

blueprint = Blueprint("log", __name__)
OCTETS = "application/octet-stream"
PYTHON = "text/x-python"
_VERIFIER = Path(verify_entry.__file__)
_LEVEL = re.compile(r"[0-5]")
_PLACE = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


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


@blueprint.get("/log/verify.py")
@public("whoever was handed a proof has no account here, and the program names no data")
@operation(summary="A program that checks the proof of one entry", tag="log", response_media=PYTHON)
def verifier() -> Response:
    """Give one file that checks an entry, its proof and opened fields with Python's standard library alone."""
    return Response(_VERIFIER.read_bytes(), content_type=f"{PYTHON}; charset=utf-8")


@blueprint.get("/log/tile/entries/<path:name>")
@requires(Scope.LOG_REPLICATE)
@operation(summary="A bundle of entries, for a replica of the log", tag="log", response_media=OCTETS)
def bundle(name: str) -> Response:
    """Give 256 whole entries, or those of a partial tile, by C2SP path: each as its length (16 bits) and its bytes."""
    number, width = parse_place(name)
    services = current_services()
    found = services.infrastructure.audit.bundle(number, width)
    record_look(services, current_caller(), Look("/log/tile/entries/{name}"), len(found))
    body = b"".join(len(entry).to_bytes(2, "big") + entry for entry in found)
    return Response(body, content_type=OCTETS)


def parse_tile_path(name: str) -> tuple[int, int, int | None]:
    """Read level, number and width (None for a full tile) of a tile path; raises NotFound for any other spelling."""
    level, _, place = name.partition("/")
    if not _LEVEL.fullmatch(level):
        raise _no_tile()
    return int(level), *parse_place(place)


def parse_place(name: str) -> tuple[int, int | None]:
    """Read number and width (None for a full tile) of the path of a tile or bundle; raises NotFound for any other."""
    match = _PLACE.fullmatch(name)
    if match is None or (match[2] is not None and int(match[2]) > 255):
        raise _no_tile()
    number = int(match[1].replace("x", "").replace("/", ""))
    if tile_number_path(number) != match[1]:
        raise _no_tile()
    return number, int(match[2]) if match[2] else None


def tile_number_path(number: int) -> str:
    """Write a tile's number in groups of three digits, all but the last with ``x`` before it (tlog-tiles)."""
    last, rest = f"{number % 1000:03d}", number // 1000
    groups: list[str] = []
    while rest:
        groups.append(f"x{rest % 1000:03d}")
        rest //= 1000
    return "/".join([*reversed(groups), last])


def _no_tile() -> NotFound:
    return NotFound("audit.no_tile", "The log has no such tile.")
