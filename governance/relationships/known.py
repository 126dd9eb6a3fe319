"""What the history of facts holds of relationships and of what trusts say of patients, and how it is read back.

A relationship is looked up by its patient; one that names none by its study, or by its subject. What a trust says of a
patient is sealed under the patient's data key. Opt-outs have no history.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from governance.facts import Fact, Version
from governance.relationships.edge import Edge
from governance.relationships.patient import PatientContext, PatientFlag
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import Purpose, RelationshipKind

EDGE, PATIENT = "edge", "patient"


def edge_fact(edge: Edge) -> Fact:
    """Give a relationship as it is to be known."""
    return Fact(
        EDGE,
        edge.id,
        {
            "kind": edge.kind.value,
            "source": edge.source,
            "named_by": edge.named_by,
            "site": edge.site,
            "purpose": edge.purpose,
            "destination": edge.destination,
            "limit": edge.limit,
        },
        subject=edge.subject,
        patient=edge.patient,
        study=edge.study,
        ods=edge.ods,
        valid_from=to_microseconds(edge.valid_from),
        valid_until=None if edge.valid_until is None else to_microseconds(edge.valid_until),
    )


def gone_edge(edge_id: str) -> Fact:
    """Say that a relationship is on file no longer."""
    return Fact(EDGE, edge_id, gone=True)


def known_edge(version: Version) -> Edge:
    """Give a relationship as it was known."""
    said = version.said()
    purpose = said.get("purpose")
    return Edge(
        id=version.key,
        kind=RelationshipKind(said["kind"]),
        subject=version.subject or "",
        patient=version.patient,
        study=version.study,
        ods=version.ods or "",
        valid_from=from_microseconds(version.valid_from or 0),
        valid_until=None if version.valid_until is None else from_microseconds(version.valid_until),
        source=said["source"],
        named_by=said.get("named_by"),
        site=said.get("site"),
        purpose=None if purpose is None else Purpose(purpose),
        destination=said.get("destination"),
        limit=said.get("limit"),
    )


def patient_fact(said: PatientContext) -> Fact:
    """Give what a trust says of a patient as it is to be known.

    The value says that the patient is of the staff and not who; so it need not be opened of all the others.
    """
    return Fact(
        PATIENT,
        f"{said.patient} {said.ods or ''}",
        {"staff": said.staff is not None or None},
        {
            "household_key": said.household_key,
            "surname_key": said.surname_key,
            "surname_share": said.surname_share,
            "postcode_key": said.postcode_key,
            "staff": said.staff,
            "flags": sorted(flag.value for flag in said.flags),
            "deceased_on": None if said.deceased_on is None else said.deceased_on.isoformat(),
        },
        owner=said.patient,
        patient=said.patient,
        ods=said.ods or "",
    )


def is_staff(version: Version) -> bool:
    """Say whether a version of a patient says that they are a member of staff."""
    return bool(version.said().get("staff"))


def known_patient(version: Version, secret: Mapping[str, Any]) -> PatientContext:
    """Give what a trust was known to say of a patient; ``secret`` is what is sealed in the version, if it opens."""
    died = secret.get("deceased_on")
    return PatientContext(
        patient=version.patient or "",
        household_key=secret.get("household_key"),
        surname_key=secret.get("surname_key"),
        surname_share=secret.get("surname_share"),
        postcode_key=secret.get("postcode_key"),
        staff=secret.get("staff"),
        flags=frozenset(map(PatientFlag, secret.get("flags") or ())),
        deceased_on=None if died is None else date.fromisoformat(died),
        ods=version.ods or None,
    )
