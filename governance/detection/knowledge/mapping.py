"""From rows as they were known to the facts that detectors ask for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from governance.catalogue.known import KnownStudy
from governance.detection.knowledge.facts import ManifestFacts, PatientFacts, StaffFacts, StudyFacts, Tie
from governance.federation import AiManifest, StaffMember
from governance.relationships import Edge, PatientContext


def staff_facts(member: StaffMember, teams: Iterable[str]) -> StaffFacts:
    """Give a member of staff; ``teams`` are the pseudonyms of theirs. A key of a patient nobody knows is none."""
    patient = member.patient_key
    return StaffFacts(
        member.role,
        member.ods,
        patient if patient is not None and patient.startswith("p-") else None,
        department=member.department,
        teams=frozenset(teams),
        site=member.site,
        manager=member.manager,
        household=member.household_key,
        surname=member.surname_key,
        surname_share=member.surname_share,
        postcode=member.postcode_key,
        leaves_on=member.leaves_on,
        training_until=member.training_valid_to,
    )


def patient_facts(said: Iterable[PatientContext], staff: Iterable[str]) -> PatientFacts:
    """Give a patient by what trusts say of them; ``staff`` are the members of staff they are.

    Of two shares of one surname the larger counts: a tie by a common name says less.
    """
    given = list(said)
    surnames: dict[str, float] = {}
    for one in given:
        if one.surname_key is not None:
            share = 1.0 if one.surname_share is None else one.surname_share
            surnames[one.surname_key] = max(share, surnames.get(one.surname_key, 0.0))
    return PatientFacts(
        frozenset(staff),
        households=frozenset(one.household_key for one in given if one.household_key is not None),
        surnames=dict(sorted(surnames.items())),
        postcodes=frozenset(one.postcode_key for one in given if one.postcode_key is not None),
        flags=frozenset(flag.value for one in given for flag in one.flags),
        deceased_on=min((one.deceased_on for one in given if one.deceased_on is not None), default=None),
    )


def study_facts(study: KnownStudy) -> StudyFacts:
    """Give a study."""
    return StudyFacts(
        study.custodians, study.modality, study.body_part, study.decoy, study_date=study.study_date, labels=study.labels
    )


def manifest_facts(manifest: AiManifest, at: datetime) -> ManifestFacts:
    """Give a manifest as of an instant."""
    return ManifestFacts(
        version=manifest.version,
        modalities=manifest.modalities,
        body_parts=manifest.body_parts,
        trusts=manifest.trusts,
        daily_volume=manifest.daily_volume,
        approved=manifest.approved_on(at),
    )


def ties(edges: Iterable[Edge]) -> tuple[Tie, ...]:
    """Give edges as ties, by kind and id, none twice."""
    found = {
        edge.id: Tie(
            edge.kind,
            edge.id,
            not edge.wide,
            edge.valid_from,
            purpose=edge.purpose,
            destination=edge.destination,
            limit=edge.limit,
        )
        for edge in edges
    }
    return tuple(sorted(found.values(), key=lambda tie: (tie.kind.value, tie.id)))
