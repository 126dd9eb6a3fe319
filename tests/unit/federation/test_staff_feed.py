"""The staff feed."""

import json
from datetime import date

import pytest

from governance.federation import StaffMember, parse_staff
from governance.pseudonyms import Pseudonymiser

LINE = {"id": "u-17", "ods": "RRK", "role": "radiographer"}


def one(pseudonymiser: Pseudonymiser, **changes: object) -> tuple[tuple[StaffMember, ...], tuple[str, ...]]:
    parsed = parse_staff(json.dumps(LINE | changes).encode(), pseudonymiser)
    return parsed.rows, tuple(fault.reason for fault in parsed.faults)


def test_the_person_and_the_patient_they_are_leave_as_pseudonyms(pseudonymiser: Pseudonymiser) -> None:
    rows, faults = one(
        pseudonymiser,
        department="ct",
        site="rrk-qe",
        team_ids=["stroke", "night", "stroke"],
        patient_key="999 000 0018",
        household_key="aGg=",
        surname_key="c24=",
        surname_share=0.01,
        postcode_key="cGM=",
        training_valid_to="2027-03-31",
        leaves_on="2027-06-30",
    )

    assert faults == ()
    assert rows == (
        StaffMember(
            id=pseudonymiser.subject("u-17"),
            ods="RRK",
            role="radiographer",
            department="ct",
            site="rrk-qe",
            team_ids=("stroke", "night"),
            patient_key=pseudonymiser.patient("9990000018"),
            household_key="aGg=",
            surname_key="c24=",
            surname_share=0.01,
            postcode_key="cGM=",
            training_valid_to=date(2027, 3, 31),
            leaves_on=date(2027, 6, 30),
        ),
    )


def test_id_organisation_and_role_are_enough(pseudonymiser: Pseudonymiser) -> None:
    rows, faults = one(pseudonymiser)

    assert faults == ()
    assert rows == (StaffMember(pseudonymiser.subject("u-17"), "RRK", "radiographer"),)


def test_a_role_outside_the_vocabulary_is_kept(pseudonymiser: Pseudonymiser) -> None:
    rows, _ = one(pseudonymiser, role="sonographer")

    assert rows[0].role == "sonographer"


@pytest.mark.parametrize("name", ["id", "ods", "role"])
def test_a_missing_field_is_named(pseudonymiser: Pseudonymiser, name: str) -> None:
    assert one(pseudonymiser, **{name: None}) == ((), (f"/{name}: is required",))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"ods": "birmingham"}, "/ods"),
        ({"role": "Consultant Radiologist"}, "/role"),
        ({"team_ids": "stroke"}, "/team_ids"),
        ({"team_ids": [1]}, "/team_ids/0"),
        ({"team_ids": [str(number) for number in range(51)]}, "/team_ids"),
        ({"patient_key": "9990000019"}, "/patient_key"),
        ({"household_key": "1 High Street"}, "/household_key"),
        ({"surname_share": "1%"}, "/surname_share"),
        ({"training_valid_to": "31/03/2027"}, "/training_valid_to"),
        ({"leaves_on": 20270630}, "/leaves_on"),
        ({"name": "A Person"}, "/name"),
    ],
)
def test_a_wrong_field_is_named(pseudonymiser: Pseudonymiser, changes: dict[str, object], path: str) -> None:
    rows, faults = one(pseudonymiser, **changes)

    assert rows == ()
    assert faults[0].startswith(f"{path}: ")


def test_training_and_employment_count_through_their_last_day() -> None:
    member = StaffMember("s-1", "RRK", "nurse", training_valid_to=date(2026, 11, 24), leaves_on=date(2026, 11, 30))
    silent = StaffMember("s-2", "RRK", "nurse")

    assert (member.training_valid(date(2026, 11, 24)), member.training_valid(date(2026, 11, 25))) == (True, False)
    assert (member.employed(date(2026, 11, 30)), member.employed(date(2026, 12, 1))) == (True, False)
    assert silent.training_valid(date(2026, 11, 24)) is None
    assert silent.employed(date(2099, 1, 1))
