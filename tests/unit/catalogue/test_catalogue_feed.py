"""The studies feed."""

import json
from datetime import date

import pytest

from governance.catalogue import Study, parse_studies
from governance.catalogue.feed import FIELDS
from governance.pseudonyms import Pseudonymiser

LINE = {"id": "1.2.826.1", "custodians": ["RRK"], "patient": "9990000018", "modality": "CT", "study_date": "2026-10-01"}


def one(pseudonymiser: Pseudonymiser, **changes: object) -> tuple[tuple[Study, ...], tuple[str, ...]]:
    parsed = parse_studies(json.dumps(LINE | changes).encode(), pseudonymiser)
    return parsed.rows, tuple(fault.reason for fault in parsed.faults)


def test_a_study_is_known_by_uid_and_by_pseudonym_and_its_patient_by_pseudonym_only(
    pseudonymiser: Pseudonymiser,
) -> None:
    rows, faults = one(pseudonymiser, custodians=["RRK", "RKB"], body_part="head", labels=["sensitive", "decoy"])

    assert faults == ()
    assert rows == (
        Study(
            study_uid="1.2.826.1",
            study=pseudonymiser.study("1.2.826.1"),
            custodians=("RRK", "RKB"),
            patient=pseudonymiser.patient("9990000018"),
            modality="CT",
            body_part="HEAD",
            study_date=date(2026, 10, 1),
            labels=frozenset({"sensitive", "decoy"}),
        ),
    )
    assert rows[0].decoy


def test_a_patient_given_as_pseudonym_is_the_same_patient(pseudonymiser: Pseudonymiser) -> None:
    plain, _ = one(pseudonymiser, patient="999 000 0018")
    keyed, _ = one(pseudonymiser, patient=pseudonymiser.patient("9990000018"))

    assert plain == keyed


def test_no_custodian_is_legal_and_means_no_owner(pseudonymiser: Pseudonymiser) -> None:
    rows, _ = one(pseudonymiser, custodians=[])

    assert rows[0].custodians == ()


@pytest.mark.parametrize("name", ["id", "custodians", "patient", "modality", "study_date"])
def test_a_missing_field_is_named(pseudonymiser: Pseudonymiser, name: str) -> None:
    rows, faults = one(pseudonymiser, **{name: None})

    assert rows == ()
    assert faults == (f"/{name}: is required",)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": "not a uid"}, "/id"),
        ({"id": "1." + "2" * 64}, "/id"),
        ({"custodians": "RRK"}, "/custodians"),
        ({"custodians": ["RRK", "no"]}, "/custodians/1"),
        ({"patient": "9990000019"}, "/patient"),
        ({"modality": "c;t"}, "/modality"),
        ({"body_part": 7}, "/body_part"),
        ({"study_date": "20261001"}, "/study_date"),
        ({"labels": ["Sealed"]}, "/labels/0"),
        ({"labels": ["sealed", "selaed"]}, "/labels/1"),
        ({"owner": "RRK"}, "/owner"),
    ],
)
def test_a_wrong_field_is_named(pseudonymiser: Pseudonymiser, changes: dict[str, object], path: str) -> None:
    rows, faults = one(pseudonymiser, **changes)

    assert rows == ()
    assert faults[0].startswith(f"{path}: ")


def test_the_fields_are_those_of_a_study(pseudonymiser: Pseudonymiser) -> None:
    rows, faults = one(pseudonymiser, body_part="HEAD", labels=[])

    assert (len(rows), faults) == (1, ())
    assert LINE.keys() <= FIELDS
