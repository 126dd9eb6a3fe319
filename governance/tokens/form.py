"""Form bodies of the token endpoints (RFC 6749 section 3.2 and appendix B).

1. ``application/x-www-form-urlencoded`` in UTF-8; a body that does not decode is refused, never repaired.
2. A parameter sent twice is refused, whichever it is. RFC 8693 allows several targets; one at a time is served here.
3. A parameter without a value counts as not sent; one we do not know is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from governance.tokens.errors import OAuthError, OAuthErrorCode

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAXIMUM = 65_536  # bytes of a body
_FIELDS = 40  # parameters of a body
_TARGETS = frozenset({"audience", "resource"})


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of one request, each at most once."""

    values: Mapping[str, str]

    def one(self, name: str) -> str | None:
        """Give a parameter, None when it was not sent."""
        return self.values.get(name)

    def required(self, name: str) -> str:
        """Give a parameter that must be there; raises OAuthError (invalid_request)."""
        value = self.values.get(name)
        if value is None:
            raise OAuthError(OAuthErrorCode.INVALID_REQUEST, f"The parameter {name} is required.")
        return value


def parse_form(body: bytes) -> Form:
    """Take the bytes of a form body and give its parameters; raises OAuthError (invalid_request, invalid_target)."""
    if len(body) > MAXIMUM:
        raise OAuthError(OAuthErrorCode.INVALID_REQUEST, "The body is too long.", 413)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except ValueError:
        raise OAuthError(OAuthErrorCode.INVALID_REQUEST, f"The body is not {MEDIA_TYPE} in UTF-8.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            code = OAuthErrorCode.INVALID_TARGET if name in _TARGETS else OAuthErrorCode.INVALID_REQUEST
            raise OAuthError(code, "A parameter may be sent once only.")
        values[name] = value
    if any("\0" in value for value in values.values()):
        raise OAuthError(OAuthErrorCode.INVALID_REQUEST, "A parameter holds a NUL character.")
    return Form({name: value for name, value in values.items() if value})
