"""Headers that keep a browser from doing what the console never asks for.

1. Nothing runs or loads but our own files; a script needs this response's nonce (CSP Level 3). No inline style, no
   other host, no frame, no plug-in, no ``<base>``.
2. ``fonts_from`` opens one host for the NHS typeface, only for an operator who holds its licence.
3. Pages are about people: they are never stored by a cache, and their address never leaves in a ``Referer``.
4. Headers that a view set itself are not replaced.
"""

import secrets

from flask import Flask, Response, g, request

_PERMISSIONS = "accelerometer=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_HSTS = "max-age=63072000; includeSubDomains"


def csp_nonce() -> str:
    """Give this request's nonce, 128 random bits; the same each time within one request."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def content_security_policy(nonce: str | None, fonts_from: str | None = None) -> str:
    """Give the policy of a page that carries ``nonce``, or of an answer that runs no script (None)."""
    directives = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'" if nonce else "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": f"'self' {fonts_from}" if fonts_from else "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def headers_of(policy: str, secure: bool) -> dict[str, str]:
    """Give the headers of an answer with this content security policy; HSTS only over https."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return headers | ({"Strict-Transport-Security": _HSTS} if secure else {})


def install(app: Flask, secure: bool, fonts_from: str | None = None) -> None:
    """Add the headers to every answer of the application.

    Args:
        app: the application.
        secure: whether it is reached over https; only then is HSTS sent.
        fonts_from: the origin of licensed fonts, if any.
    """

    @app.after_request
    def _add(response: Response) -> Response:
        headers = headers_of(content_security_policy(g.get("csp_nonce"), fonts_from), secure)
        if request.endpoint is not None and request.endpoint.endswith("static"):
            del headers["Cache-Control"]
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
