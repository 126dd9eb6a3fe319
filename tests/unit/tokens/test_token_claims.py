"""Claim tables: every claim is in a declared class, and an empty table is no table."""

import pytest

from governance.tokens import claims as c
from governance.tokens.access import table as access_table
from governance.tokens.errors import TokenFault, TokenRefused

NOW = 1_800_000_000


def test_a_table_that_verifies_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="verifies nothing"):
        c.ClaimTable("empty", {})


def test_a_claim_is_in_one_class() -> None:
    with pytest.raises(ValueError, match="two classes"):
        c.ClaimTable("doubled", {"iss": c.text}, unchecked=frozenset({"iss"}))


def test_an_unknown_claim_is_reported_and_refuses_nothing() -> None:
    table = c.ClaimTable("kind", {"iss": c.text}, unchecked=frozenset({"acr"}))
    assert table.verify({"iss": "x", "acr": 1, "zeta": 2, "alpha": 3}, NOW) == ("alpha", "zeta")


@pytest.mark.parametrize("missing", [{}, {"iss": None}])
def test_a_required_claim_must_be_there(missing: dict[str, object]) -> None:
    table = c.ClaimTable("kind", {"iss": c.text})
    with pytest.raises(TokenRefused) as caught:
        table.verify(missing, NOW)
    assert caught.value.fault is TokenFault.CLAIM_MISSING


@pytest.mark.parametrize(
    ("check", "value", "fault"),
    [
        (c.equals("a"), "a", None),
        (c.equals("a"), ["a"], TokenFault.CLAIM),
        (c.only_audience({"us"}), "us", None),
        (c.only_audience({"us"}), ["us"], None),
        (c.only_audience({"us"}), ["us", "them"], TokenFault.AUDIENCE),
        (c.only_audience({"us"}), [], TokenFault.AUDIENCE),
        (c.only_audience({"us"}), {"us": 1}, TokenFault.AUDIENCE),
        (c.among_audiences({"us"}), ["them", "us"], None),
        (c.among_audiences({"us"}), ["us", 1], TokenFault.AUDIENCE),
        (c.among_audiences({"us"}), "them", TokenFault.AUDIENCE),
        (c.expires(), NOW + 1, None),
        (c.expires(), NOW - c.LEEWAY + 1, None),
        (c.expires(), NOW - c.LEEWAY, TokenFault.EXPIRED),
        (c.expires(within=60), NOW + 60 + c.LEEWAY, None),
        (c.expires(within=60), NOW + 61 + c.LEEWAY, TokenFault.LIFETIME),
        (c.expires(), True, TokenFault.CLAIM),
        (c.expires(), "1800000060", TokenFault.CLAIM),
        (c.expires(), float("inf"), TokenFault.CLAIM),
        (c.expires(), float("nan"), TokenFault.CLAIM),
        (c.issued(), NOW + c.LEEWAY, None),
        (c.issued(), NOW + c.LEEWAY + 1, TokenFault.ISSUED_AT),
        (c.issued(max_age=60), NOW - 60 - c.LEEWAY - 1, TokenFault.ISSUED_AT),
        (c.begun, NOW + c.LEEWAY, None),
        (c.begun, NOW + c.LEEWAY + 1, TokenFault.NOT_YET_VALID),
        (c.text, "x" * c.TEXT_MAXIMUM, None),
        (c.text, "x" * (c.TEXT_MAXIMUM + 1), TokenFault.CLAIM),
        (c.text, "a\0b", TokenFault.CLAIM),
        (c.text, "", TokenFault.CLAIM),
        (c.refused(TokenFault.DELEGATED), {}, TokenFault.DELEGATED),
    ],
)
def test_checks(check: c.Check, value: object, fault: TokenFault | None) -> None:
    assert check(value, NOW) is fault


def test_every_claim_we_issue_is_in_the_table_that_reads_it() -> None:
    table = access_table("https://issuer.test", "https://archive.test")
    known = {*table.required_verified, *table.required_unverified, *table.optional, *table.unchecked}
    assert {
        "iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "subject_type", "ods", "role", "act",
        "decision_id", "cnf", "agreement", "authorization_details", "extensions",
    } <= known  # fmt: skip
