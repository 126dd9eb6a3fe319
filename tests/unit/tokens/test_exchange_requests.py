"""Forms and exchange requests: one of each parameter, one target, one study, one action, one purpose."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.tokens import OAuthError, TokenType, parse_exchange, parse_form
from governance.tokens.form import Form
from governance.vocabulary import Action, Purpose
from tests.worlds.tokens import ARCHIVE, STUDY, encoded, form

DETAILS = {"type": "imaging_study", "study_uid": STUDY, "actions": ["read"], "purpose": "ETREAT"}


def wanted(details: object = ..., **fields: str | None) -> Form:
    given: dict[str, str | None] = {
        "subject_token": "a.b.c",
        "subject_token_type": TokenType.ID_TOKEN.value,
        "audience": ARCHIVE,
        "authorization_details": json.dumps([DETAILS] if details is ... else details),
        **fields,
    }
    return form(**{name: value for name, value in given.items() if value is not None})


def test_a_request_is_read() -> None:
    details = {**DETAILS, "break_glass_reason": " No time. "}
    request = parse_exchange(wanted([details]), "thumbprint")
    assert (request.subject_token, request.subject_token_type, request.target) == ("a.b.c", TokenType.ID_TOKEN, ARCHIVE)
    assert (request.study_uid, request.purpose, request.action) == (STUDY, Purpose.ETREAT, Action.READ)
    assert (request.scope, request.break_glass_reason, request.confirmation) == (
        "user/ImagingStudy.r",
        "No time.",
        "thumbprint",
    )


def test_purpose_is_treatment_and_action_is_read_when_nothing_is_said() -> None:
    request = parse_exchange(wanted([{"type": "imaging_study", "study_uid": STUDY}]))
    assert (request.purpose, request.action, request.self_claim_reason) == (Purpose.TREAT, Action.READ, None)


def test_resource_is_as_good_as_audience() -> None:
    assert parse_exchange(wanted(audience=None, resource=ARCHIVE)).target == ARCHIVE
    assert parse_exchange(wanted(resource=ARCHIVE)).target == ARCHIVE


@pytest.mark.parametrize(
    ("request_form", "error"),
    [
        (wanted(subject_token=None), "invalid_request"),
        (wanted(subject_token_type=None), "invalid_request"),
        (wanted(subject_token_type="urn:ietf:params:oauth:token-type:saml2"), "invalid_request"),
        (wanted(subject_token_type=TokenType.JWT.value), "invalid_request"),
        (wanted(actor_token="a.b.c", actor_token_type=TokenType.JWT.value), "invalid_request"),
        (wanted(actor_token_type=TokenType.JWT.value), "invalid_request"),
        (wanted(requested_token_type="urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        (wanted(audience=None), "invalid_target"),
        (wanted(resource="https://archive.rkb.test"), "invalid_target"),
        (wanted(scope="user/ImagingStudy.s"), "invalid_scope"),
        (wanted(scope="user/*.*"), "invalid_scope"),
        (wanted(authorization_details=None), "invalid_request"),
        *[
            (wanted(details), "invalid_authorization_details")
            for details in (
                {},
                [],
                [DETAILS, DETAILS],
                ["imaging_study"],
                [{**DETAILS, "type": "payment"}],
                [{**DETAILS, "patient": "x"}],
                [{**DETAILS, "actions": ["read", "export"]}],
                [{**DETAILS, "actions": []}],
                [{**DETAILS, "actions": "read"}],
                [{**DETAILS, "actions": ["look"]}],
                [{**DETAILS, "actions": [["read"]]}],
                [{**DETAILS, "purpose": "CURIOSITY"}],
                [{**DETAILS, "purpose": None}],
                [{**DETAILS, "study_uid": "1.2.x"}],
                [{**DETAILS, "study_uid": 12}],
                [{"type": "imaging_study"}],
                [{**DETAILS, "break_glass_reason": "  "}],
                [{**DETAILS, "break_glass_reason": "x" * 501}],
                [{**DETAILS, "self_claim_reason": True}],
            )
        ],
        (wanted(authorization_details="{"), "invalid_authorization_details"),
        (wanted(authorization_details='[{"type":"imaging_study","type":"x"}]'), "invalid_authorization_details"),
    ],
)
def test_a_request_that_is_not_right_is_refused(request_form: Form, error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_exchange(request_form)
    assert caught.value.error == error
    assert STUDY not in caught.value.description


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("grant_type=a&grant_type=a", "invalid_request"),
        ("grant_type=a&unknown=1&unknown=2", "invalid_request"),
        ("audience=a&audience=b", "invalid_target"),
        ("resource=a&resource=b", "invalid_target"),
        ("grant_type", "invalid_request"),
        ("a=%ff", "invalid_request"),
        ("a=%00", "invalid_request"),
        ("&".join(f"p{n}=1" for n in range(41)), "invalid_request"),
        ("a=" + "x" * 65_536, "invalid_request"),
    ],
)
def test_a_body_that_is_not_right_is_refused(body: str, error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        encoded(body)
    assert caught.value.error == error


def test_an_empty_value_is_no_value() -> None:
    assert encoded("scope=&grant_type=x").one("scope") is None
    assert encoded("").values == {}
    assert encoded("a=%C3%A9+b").one("a") == "é b"


@given(st.binary(max_size=300))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    with suppress(OAuthError):
        assert all(parse_form(body).values.values())
