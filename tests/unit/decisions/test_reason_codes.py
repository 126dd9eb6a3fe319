"""Every reason code has its sentence, its classes and its two voices in the documentation, and nothing else has."""

import re
from pathlib import Path

import pytest

from governance.vocabulary import ReasonClass, ReasonCode

ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "docs" / "reason-codes.md"
BREAK_GLASS = ROOT / "policies" / "imaging" / "break_glass" / "break_glass.rego"


def rows() -> list[tuple[str, str, str]]:
    found = re.findall(r"^\| `([a-z_.]+)` \| (.+?) \| (.+?) \|$", TABLE.read_text(), re.MULTILINE)
    return [(code, clinician.strip(), officer.strip()) for code, clinician, officer in found]


def test_every_code_has_one_row_in_order() -> None:
    assert [code for code, _, _ in rows()] == sorted(reason.value for reason in ReasonCode)


def test_both_voices_are_sentences() -> None:
    for code, clinician, officer in rows():
        assert re.match(r"[A-Z].*[.]$", clinician), code
        assert re.match(r"[A-Z].*[.]$", officer), code


def test_what_is_about_the_patient_is_told_to_nobody() -> None:
    told = {code: clinician for code, clinician, _ in rows()}
    generic = told[ReasonCode.REQUEST_REFUSED]
    assert {told[reason] for reason in ReasonCode if reason.about_patient} == {generic}


def documented_classes() -> dict[str, list[str]]:
    found = re.findall(r"^- `([a-z_]+)`: (.+?)\.\n(?=- |\n)", TABLE.read_text(), re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"`([a-z_]+\.[a-z_]+)`", text.partition("Codes:")[2]) for name, text in found}


def of(one: ReasonClass) -> list[str]:
    return [code.value for code in ReasonCode if getattr(code, one.value)]


def test_the_classes_are_those_of_the_documentation() -> None:
    assert documented_classes() == {one.value: of(one) for one in ReasonClass}


def test_what_is_curable_is_what_the_policy_lets_a_person_override() -> None:
    (listed,) = re.findall(r"^overridable := \{(.+)\}$", BREAK_GLASS.read_text(), re.MULTILINE)
    assert of(ReasonClass.CURABLE) == sorted(re.findall(r'"([a-z_.]+)"', listed))


def test_a_code_is_permitting_or_denying_and_no_ground_to_permit_is_of_another_class() -> None:
    others = set(ReasonClass) - {ReasonClass.PERMITS}
    for code in ReasonCode:
        assert not (code.permits and any(getattr(code, one.value) for one in others)), code


@pytest.mark.parametrize("code", ReasonCode)
def test_a_code_is_found_by_its_value_and_each_class_is_a_plain_attribute(code: ReasonCode) -> None:
    assert ReasonCode(code.value) is code
    assert {one.value for one in ReasonClass} <= vars(code).keys()
    assert all(type(vars(code)[one.value]) is bool for one in ReasonClass)
