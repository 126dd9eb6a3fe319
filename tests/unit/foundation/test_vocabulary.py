"""The field's identifiers are read strictly; the oracle for NHS numbers is a package of its own."""

import nhs_number as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import vocabulary
from governance.vocabulary import Outcome, ReasonCode, Severity, is_nhs_number, ods_code, study_uid

ISSUED = st.integers(min_value=4_000_000_000, max_value=4_989_999_999)  # England, Wales and the Isle of Man
SYNTHETIC = st.integers(min_value=9_990_000_000, max_value=9_999_999_999)


@given(ISSUED | SYNTHETIC)
def test_nhs_numbers_are_judged_as_the_oracle_judges_them(number: int) -> None:
    text = f"{number:010d}"
    assert is_nhs_number(text) == bool(oracle.is_valid(text))


@given(st.integers(min_value=999_000_000, max_value=999_999_999))
def test_one_check_digit_at_most_makes_a_number(body: int) -> None:
    valid = [digit for digit in "0123456789" if is_nhs_number(f"{body}{digit}")]
    assert len(valid) <= 1


@pytest.mark.parametrize("text", ["", "99900000", "99900000180", "999000001x", " 9990000018", "\u0669990000018"])
def test_what_is_not_ten_digits_is_no_number(text: str) -> None:
    assert not is_nhs_number(text)


def test_a_refused_number_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="modulus-11") as refused:
        vocabulary.nhs_number("9990000019")
    assert "9990000019" not in str(refused.value)


@pytest.mark.parametrize("uid", ["1.2.3", "1.2.840.10008.1.2", "2.25." + "9" * 50, "0.1"])
def test_a_uid_passes(uid: str) -> None:
    assert study_uid(uid) == uid


@pytest.mark.parametrize("uid", ["", "1", "1.", ".1", "1..2", "1.02", "1.a", "1.2 ", "1.2\n", "2.25." + "9" * 60])
def test_what_is_no_uid_is_refused(uid: str) -> None:
    with pytest.raises(ValueError, match="DICOM UID"):
        study_uid(uid)


@pytest.mark.parametrize("code", ["rrk", "RR", "R" * 11, "RR-K", "RRK\n"])
def test_what_is_no_ods_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="ODS"):
        ods_code(code)


def test_outcomes_are_those_of_dicom() -> None:
    assert {outcome: outcome.dicom_code for outcome in Outcome} == {
        Outcome.SUCCESS: 0,
        Outcome.MINOR: 4,
        Outcome.SERIOUS: 8,
        Outcome.MAJOR: 12,
    }
    assert all(Outcome.from_dicom_code(outcome.dicom_code) is outcome for outcome in Outcome)
    with pytest.raises(ValueError, match="0, 4, 8 or 12"):
        Outcome.from_dicom_code(1)


def test_severity_has_an_order() -> None:
    assert sorted(Severity, key=lambda s: s.rank) == [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


def test_enumerations_are_alphabetical_and_reason_codes_follow_their_grammar() -> None:
    for kind in (vocabulary.Action, vocabulary.EventKind, vocabulary.Purpose, vocabulary.Scope, ReasonCode):
        values = [member.value for member in kind]
        assert values == sorted(values), kind
    for code in ReasonCode:
        concern, _, detail = code.value.partition(".")
        assert concern.replace("_", "").islower()
        assert detail.replace("_", "").islower()
