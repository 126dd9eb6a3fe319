"""Every reason code is explained to the clinician and to the officer, and nothing else is."""

import re
from pathlib import Path

from governance.vocabulary import ReasonCode

TABLE = Path(__file__).resolve().parents[3] / "docs" / "reason-codes.md"


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
