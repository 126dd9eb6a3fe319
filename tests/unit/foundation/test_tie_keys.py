"""Keys of patients under the tie keys of a region: HMAC-SHA-256 (RFC 2104) of ten digits, written in several ways."""

import base64
import hashlib
import hmac

import pytest

from governance.errors import ConfigurationError
from governance.pseudonyms.tie_keys import TieKeys, is_patient_key, read_patient_key
from governance.settings import from_environment
from tests.worlds.basics import demo_environment

KEY, PATIENT = bytes(range(32)), "9990000018"
DIGEST = hmac.new(KEY, PATIENT.encode(), hashlib.sha256).digest()
KEPT = f"k-{DIGEST.hex()}"


@pytest.mark.parametrize("reference", [PATIENT, "999 000 0018"])
def test_a_patient_has_a_key_under_each_tie_key(reference: str) -> None:
    found = TieKeys({"b": KEY, "a": b"x" * 32}).keys_of(reference)
    assert len(set(found)) == 2
    assert KEPT in found
    assert all(map(is_patient_key, found))


@pytest.mark.parametrize("reference", ["9990000019", "MRN-17", "p-" + "a" * 26, "", "99900000180"])
def test_what_is_no_nhs_number_has_none(reference: str) -> None:
    assert TieKeys({"a": KEY}).keys_of(reference) == ()


@pytest.mark.parametrize(
    "written",
    [
        DIGEST.hex(),
        DIGEST.hex().upper(),
        base64.b64encode(DIGEST).decode(),
        base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
        f"2026a:{DIGEST.hex()}",
        f"2026a:{base64.urlsafe_b64encode(DIGEST).decode()}",
        KEPT,
    ],
)
def test_a_key_is_read_however_it_is_written(written: str) -> None:
    assert read_patient_key(written) == KEPT


@pytest.mark.parametrize("text", [PATIENT, "MRN-17", "p-" + "a" * 26, DIGEST.hex()[:-1], "2026a:", "a:b:c", ""])
def test_what_is_no_key_is_none(text: str) -> None:
    assert read_patient_key(text) is None
    assert not is_patient_key(text)


def test_the_setting_holds_a_key_for_each_id_and_shows_none() -> None:
    pair = f"2026a={base64.b64encode(KEY).decode()}, 2025b={base64.b64encode(bytes(range(1, 33))).decode()}"
    settings = from_environment(demo_environment("sqlite:///x") | {"GOVERNANCE_TIE_KEYS": pair})
    assert dict(settings.tie_keys) == {"2026a": KEY, "2025b": bytes(range(1, 33))}
    assert "tie_keys" not in repr(settings)


@pytest.mark.parametrize("pairs", ["2026a", "2026a=c2hvcnQ=", "=AAAA", "a={0},a={1}", "a={0},b={0}", "a b={0}"])
def test_a_setting_that_is_wrong_is_named_without_its_value(pairs: str) -> None:
    keys = [base64.b64encode(bytes(range(start, start + 32))).decode() for start in (0, 1)]
    with pytest.raises(ConfigurationError) as refused:
        from_environment(demo_environment("sqlite:///x") | {"GOVERNANCE_TIE_KEYS": pairs.format(*keys)})
    assert "GOVERNANCE_TIE_KEYS" in refused.value.detail
    assert keys[0] not in refused.value.detail
