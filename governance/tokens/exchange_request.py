"""Reading a token exchange request (RFC 8693 section 2.1, with RFC 9396 for what is wanted).

1. The subject token is a trust's identity token, or, for a service that acts for itself, its own access token of ours.
2. The actor is the authenticated client: an ``actor_token`` is refused rather than ignored.
3. One target, as ``audience`` or ``resource``. Whether it exists is not said here, and nowhere else either.
4. What is wanted is one ``authorization_details`` object of type ``imaging_study``: one study, one action, one purpose
   (TREAT when none is given). An unknown member is refused (RFC 9396 section 5).
5. The one token type we issue is an access token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from governance.tokens import _jose
from governance.tokens.access import STUDY_TYPE
from governance.tokens.errors import OAuthError, OAuthErrorCode
from governance.tokens.form import Form
from governance.vocabulary import Action, Purpose, study_uid

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
REASON_MAXIMUM = 500  # characters of a reason a person gives
_MEMBERS = frozenset({"type", "study_uid", "actions", "purpose", "break_glass_reason", "self_claim_reason"})
_SMART = {
    Action.ANNOTATE: "u",
    Action.DELETE: "d",
    Action.EXPORT: "r",
    Action.READ: "r",
    Action.REPORT: "c",
    Action.SEARCH: "s",
}
Code = TypeVar("Code", Action, Purpose)


class TokenType(StrEnum):
    """Token type identifiers (RFC 8693 section 3)."""

    ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
    ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """A well-formed exchange request; nothing in it has been verified or decided but the DPoP proof.

    ``confirmation`` is the thumbprint of the key that proved itself with the request, None for a bearer token.
    """

    subject_token: str
    subject_token_type: TokenType
    target: str
    scope: str
    study_uid: str
    purpose: Purpose
    action: Action
    break_glass_reason: str | None = None
    self_claim_reason: str | None = None
    confirmation: str | None = None


def scope_of(action: Action) -> str:
    """Give the SMART v2 scope that says the same as an action on a study."""
    return f"user/ImagingStudy.{_SMART[action]}"


def parse_exchange(form: Form, confirmation: str | None = None) -> ExchangeRequest:
    """Take the form of an exchange request (rules 1 to 5).

    Args:
        form: the parameters.
        confirmation: thumbprint of a DPoP key whose proof was verified.

    Raises:
        OAuthError: invalid_request, invalid_target, invalid_scope, unsupported_token_type or
            invalid_authorization_details.
    """
    kind = _subject_token_type(form.required("subject_token_type"))
    if form.one("actor_token") or form.one("actor_token_type"):
        raise _invalid("The actor is the authenticated client: send no actor_token.")
    if form.one("requested_token_type") not in (None, TokenType.ACCESS_TOKEN, TokenType.JWT):
        raise _invalid("The only token type issued here is an access token.")
    details = _details(form.required("authorization_details"))
    action = _action(details)
    scope = form.one("scope") or scope_of(action)
    if scope != scope_of(action):
        raise OAuthError(OAuthErrorCode.INVALID_SCOPE, "The scope must be the one of the action that is asked for.")
    return ExchangeRequest(
        subject_token=form.required("subject_token"),
        subject_token_type=kind,
        target=_target(form),
        scope=scope,
        study_uid=_study(details),
        purpose=_code(Purpose, details.get("purpose", Purpose.TREAT.value), "purpose"),
        action=action,
        break_glass_reason=_reason(details, "break_glass_reason"),
        self_claim_reason=_reason(details, "self_claim_reason"),
        confirmation=confirmation,
    )


def _subject_token_type(value: str) -> TokenType:
    if value not in (TokenType.ID_TOKEN, TokenType.ACCESS_TOKEN):
        raise _invalid("The subject_token_type must be id_token, or access_token for a service acting for itself.")
    return TokenType(value)


def _target(form: Form) -> str:
    named = {value for value in (form.one("audience"), form.one("resource")) if value is not None}
    if len(named) != 1:
        raise OAuthError(OAuthErrorCode.INVALID_TARGET, "Name one target, as audience or as resource.")
    return named.pop()


def _details(text: str) -> Mapping[str, Any]:
    try:
        value = _jose.read_json(text.encode())
    except ValueError:
        raise _refused("is not JSON") from None
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        raise _refused("must be an array of one object")
    details: Mapping[str, Any] = value[0]
    if details.get("type") != STUDY_TYPE:
        raise _refused(f"must be of type {STUDY_TYPE}")
    if not set(details) <= _MEMBERS:
        raise _refused(f"may only have the members {', '.join(sorted(_MEMBERS))}")
    return details


def _action(details: Mapping[str, Any]) -> Action:
    actions = details.get("actions", [Action.READ.value])
    if not isinstance(actions, list) or len(actions) != 1:
        raise _refused("must name one action: each is decided on its own")
    return _code(Action, actions[0], "action")


def _study(details: Mapping[str, Any]) -> str:
    try:
        return study_uid(details.get("study_uid", ""))
    except (TypeError, ValueError):
        raise _refused("needs a study_uid that is a DICOM UID") from None


def _code(kind: type[Code], value: object, what: str) -> Code:
    try:
        return kind(str(value))
    except ValueError:
        raise _refused(f"has an unknown {what}; one of {', '.join(kind)}") from None


def _reason(details: Mapping[str, Any], name: str) -> str | None:
    value = details.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > REASON_MAXIMUM:
        raise _refused(f"has a {name} that is not a text of {REASON_MAXIMUM} characters at most")
    return value.strip()


def _invalid(description: str) -> OAuthError:
    return OAuthError(OAuthErrorCode.INVALID_REQUEST, description)


def _refused(problem: str) -> OAuthError:
    return OAuthError(OAuthErrorCode.INVALID_AUTHORIZATION_DETAILS, f"authorization_details {problem}.")
