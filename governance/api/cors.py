"""Cross-origin requests of browsers (Fetch standard, section 3.2): viewers' pages read decisions and the gate.

1. Only the paths below :data:`PATHS` answer another origin, and only one that is registered with a client. There is no
   wildcard, and no cookie or other credential of the browser's own: a page sends its token itself.
2. A preflight is answered before anything else is asked, a token least of all: a browser sends none with it. An origin
   that is not registered gets the same answer without the headers that would let it go on.
3. ``Vary: Origin`` stands on every answer below those paths, or a cache would give one origin's answer to another.
"""

from collections.abc import Mapping

from flask import Flask, Response, request

from governance.federation import RegisteredOrigins

PATHS = ("/access/", "/dicomweb/", "/enforce/", "/tenants/")
_METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"
_SENT = "Accept, Authorization, Content-Type, DPoP, Idempotency-Key, traceparent, X-Request-ID"
_READ = (
    "Retry-After, traceparent, Warning, WWW-Authenticate, X-Governance-Decision, X-Governance-Log-Index,"
    " X-Governance-Reason, X-Request-ID"
)
_KEPT = "600"  # seconds a browser may remember a preflight
VARY: Mapping[str, str] = {"Vary": "Origin"}


def covers(path: str) -> bool:
    """Say whether answers of a path may be read from other origins."""
    return path.startswith(PATHS)


def allowing(origin: str) -> dict[str, str]:
    """Give the headers that let a registered origin read an answer."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _READ}


def install(app: Flask, origins: RegisteredOrigins) -> None:
    """Answer preflights, and say on every answer who may read it."""

    @app.before_request
    def _preflight() -> Response | None:
        wanted = "Access-Control-Request-Method" in request.headers and "Origin" in request.headers
        if request.method != "OPTIONS" or not wanted or not covers(request.path):
            return None
        response = Response(status=204)
        if _held(origins, request.headers["Origin"]):
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = _KEPT
        return response

    @app.after_request
    def _say(response: Response) -> Response:
        if covers(request.path):
            response.vary.add("Origin")
            origin = request.headers.get("Origin")
            if origin is not None and _held(origins, origin):
                response.headers.update(allowing(origin))
        return response


def _held(origins: RegisteredOrigins, origin: str) -> bool:
    """Say whether an origin is registered; an answer that says the database is away is given all the same."""
    try:
        return origins.hold(origin)
    except Exception:  # noqa: BLE001 - whatever keeps the register from being read keeps the headers off
        return False
