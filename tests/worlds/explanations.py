"""A region to explain looks in: two trusts, people with teams, a namesake, edges of every kind; and how to ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from governance.audit.event import Event, RecordedEvent
from governance.catalogue import Study
from governance.detection import Links, RegionContext
from governance.detection.explanation.explaining import BatchExplainer
from governance.detection.explanation.look import Look
from governance.facts import History
from governance.federation import StaffMember, Trust
from governance.relationships import Edge, PatientContext, PatientFlag
from governance.vocabulary import RelationshipKind
from tests.worlds.alerts import BEGAN, AlertWorld, act

PATIENTS = ("9990000018", "9990000026", "9990000034", "9990000042")
STUDIES = ("1.2.1", "1.2.2", "1.2.3", "1.2.4")
FAMOUS = "9990000042"
DAY = timedelta(days=1)


def furnish(world: AlertWorld) -> None:
    """Put people, teams, studies and patients on file; the last patient is in the news."""
    names = world.pseudonymiser
    with world.changing() as session:
        for ods in ("RRK", "RKB"):
            world.federation.register_trust(session, Trust(ods, ods))
        world.federation.upsert_staff(
            session,
            [
                StaffMember(names.subject("nia"), "RRK", "nurse"),
                StaffMember(names.subject("ted"), "RRK", "consultant_radiologist", team_ids=("trauma", "neuro")),
                StaffMember(names.subject("ned"), "RRK", "radiographer"),
                StaffMember(names.subject("ned"), "RKB", "clinician"),
                StaffMember(names.subject("kim"), "RKB", "clinician", team_ids=("trauma",)),
            ],
        )
        world.catalogue.upsert(
            session, [study(world, uid, patient) for uid, patient in zip(STUDIES, PATIENTS, strict=True)]
        )
        world.relationships.upsert_patients(
            session, [PatientContext(names.patient(FAMOUS), flags=frozenset({PatientFlag.VIP}), ods="RRK")]
        )


def study(world: AlertWorld, uid: str, patient: str) -> Study:
    """Make a study of a patient at RRK."""
    names = world.pseudonymiser
    return Study(uid, names.study(uid), ("RRK",), names.patient(patient), "CT", "HEAD", date(2026, 3, 1))


def edge(world: AlertWorld, name: str, kind: str, who: str, **changes: Any) -> Edge:
    """Make an edge that began three days before the world did, unless told otherwise."""
    names = world.pseudonymiser
    patient, uid = changes.get("patient"), changes.get("study")
    begins = BEGAN + changes.get("begins", -3 * DAY)
    ends = changes.get("ends")
    return Edge(
        id=name,
        kind=RelationshipKind(kind),
        subject=names.subject(who),
        patient=names.patient(patient) if patient else None,
        study=names.study(uid) if uid else None,
        ods=changes.get("ods", "RRK"),
        valid_from=begins,
        valid_until=BEGAN + ends if ends is not None else None,
        source=changes.get("source", "ris-rrk"),
    )


def held(world: AlertWorld, *edges: Edge) -> None:
    """Put edges on file."""
    with world.changing() as session:
        world.relationships.upsert_edges(session, edges)


def look(name: str, minutes: float = 0, **changes: Any) -> Event:
    """Make an access of the first patient's study by nia, unless told otherwise."""
    return act(name, minutes, **{"patient": PATIENTS[0], "study": STUDIES[0], **changes})


def recorded(world: AlertWorld, events: Sequence[Event]) -> list[RecordedEvent]:
    """Put events into the log and read them back."""
    indexes = world.record(events)
    return [world.log.entry(index) for index in indexes]


def context(world: AlertWorld, session: Session) -> RegionContext:
    """Open the facts on a snapshot, as the engine does."""
    return RegionContext(
        session,
        history=History(world.vault),
        relationships=world.relationships,
        pseudonymiser=world.pseudonymiser,
        links=Links(world.search),
    )


def together(world: AlertWorld, events: Sequence[RecordedEvent], explainer: BatchExplainer | None = None) -> list[Look]:
    """Explain events as one batch."""
    with world.database.reading() as session:
        facts = context(world, session)
        facts.prepare(events)
        return list((explainer or BatchExplainer()).explain(events, facts))


def one_by_one(world: AlertWorld, events: Sequence[RecordedEvent]) -> list[Look]:
    """Explain each event by itself, with what came before it kept in between."""
    found: list[Look] = []
    for event in events:
        with world.database.reading() as session:
            looks = list(BatchExplainer().explain([event], context(world, session)))
        with world.database.transaction() as session:
            world.explanations.keep(session, looks)
        found += looks
    return found
