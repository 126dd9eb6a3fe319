"""The edges and patients feeds."""

import json
from datetime import UTC, date, datetime

import pytest

from governance.pseudonyms import Pseudonymiser
from governance.relationships import Edge, PatientContext, PatientFlag, parse_edges, parse_patients
from governance.vocabulary import RelationshipKind

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EDGE = {
    "id": "e-1",
    "kind": "order",
    "subject": "u-17",
    "patient": "9990000018",
    "study_uid": "1.2.3",
    "ods": "RRK",
    "from": "2026-11-01T08:00:00Z",
    "until": "2026-12-01T08:00:00+00:00",
    "source": "ris-rrk",
}
PATIENT = {"id": "9990000018"}


def edge(pseudonymiser: Pseudonymiser, **changes: object) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
    parsed = parse_edges(json.dumps(EDGE | changes).encode(), pseudonymiser)
    return parsed.rows, tuple(fault.reason for fault in parsed.faults)


def patient(pseudonymiser: Pseudonymiser, **changes: object) -> tuple[tuple[PatientContext, ...], tuple[str, ...]]:
    parsed = parse_patients(json.dumps(PATIENT | changes).encode(), pseudonymiser, NOW)
    return parsed.rows, tuple(fault.reason for fault in parsed.faults)


def test_subject_patient_and_study_of_an_edge_leave_as_pseudonyms(pseudonymiser: Pseudonymiser) -> None:
    rows, faults = edge(pseudonymiser)

    assert faults == ()
    assert rows == (
        Edge(
            id="e-1",
            kind=RelationshipKind.ORDER,
            subject=pseudonymiser.subject("u-17"),
            patient=pseudonymiser.patient("9990000018"),
            study=pseudonymiser.study("1.2.3"),
            ods="RRK",
            valid_from=datetime(2026, 11, 1, 8, tzinfo=UTC),
            valid_until=datetime(2026, 12, 1, 8, tzinfo=UTC),
            source="ris-rrk",
        ),
    )


@pytest.mark.parametrize("name", ["id", "kind", "subject", "ods", "from", "source"])
def test_a_missing_field_of_an_edge_is_named(pseudonymiser: Pseudonymiser, name: str) -> None:
    assert edge(pseudonymiser, **{name: None}) == ((), (f"/{name}: is required",))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"kind": "friend"}, "/kind"),
        ({"kind": ["order"]}, "/kind"),
        ({"kind": {}}, "/kind"),
        ({"patient": "9990000019"}, "/patient"),
        ({"study_uid": "01.2"}, "/study_uid"),
        ({"ods": "a trust"}, "/ods"),
        ({"from": "2026-11-01"}, "/from"),
        ({"until": "2026-11-01T08:00:00Z"}, "/until"),
        ({"until": "2026-10-01T08:00:00Z"}, "/until"),
        ({"untill": "2026-12-01T08:00:00Z"}, "/untill"),
        ({"source": "x" * 129}, "/source"),
    ],
)
def test_a_wrong_field_of_an_edge_is_named(pseudonymiser: Pseudonymiser, changes: dict[str, object], path: str) -> None:
    rows, faults = edge(pseudonymiser, **changes)

    assert rows == ()
    assert faults[0].startswith(f"{path}: ")


def test_patient_and_member_of_staff_leave_as_pseudonyms_and_keys_as_given(pseudonymiser: Pseudonymiser) -> None:
    rows, faults = patient(
        pseudonymiser,
        household_key="aGg=",
        surname_key="c24=",
        surname_share=0.002,
        postcode_key="cGM=",
        staff_id="u-17",
        flags=["vip", "deceased"],
        deceased_on="2026-11-01",
        opt_out=True,
        opt_out_checked_at="2026-11-24T11:00:00Z",
    )

    assert faults == ()
    assert rows == (
        PatientContext(
            patient=pseudonymiser.patient("9990000018"),
            household_key="aGg=",
            surname_key="c24=",
            surname_share=0.002,
            postcode_key="cGM=",
            staff=pseudonymiser.subject("u-17"),
            flags=frozenset({PatientFlag.VIP, PatientFlag.DECEASED}),
            deceased_on=date(2026, 11, 1),
            opt_out=True,
            opt_out_checked_at=datetime(2026, 11, 24, 11, tzinfo=UTC),
        ),
    )


def test_an_id_alone_is_a_patient(pseudonymiser: Pseudonymiser) -> None:
    assert patient(pseudonymiser) == ((PatientContext(pseudonymiser.patient("9990000018")),), ())


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": None}, "/id"),
        ({"id": "9990000019"}, "/id"),
        ({"household_key": "1 High Street"}, "/household_key"),
        ({"surname_share": 2}, "/surname_share"),
        ({"flags": ["famous"]}, "/flags/0"),
        ({"flags": "vip"}, "/flags"),
        ({"deceased_on": "yesterday"}, "/deceased_on"),
        ({"surname": "Smith"}, "/surname"),
        ({"opt_out": True}, "/opt_out_checked_at"),
        ({"opt_out_checked_at": "2026-11-24T11:00:00Z"}, "/opt_out_checked_at"),
        ({"opt_out": "yes", "opt_out_checked_at": "2026-11-24T11:00:00Z"}, "/opt_out"),
        ({"opt_out": False, "opt_out_checked_at": "2026-11-24T12:06:00Z"}, "/opt_out_checked_at"),
    ],
)
def test_a_wrong_field_of_a_patient_is_named(
    pseudonymiser: Pseudonymiser, changes: dict[str, object], path: str
) -> None:
    rows, faults = patient(pseudonymiser, **changes)

    assert rows == ()
    assert faults[0].startswith(f"{path}: ")
