"""What the history of facts holds of a study, and how it is read back: by its pseudonym, never by its UID."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from governance.catalogue.study import Study
from governance.facts import Fact, Version
from governance.vocabulary import Label

STUDY = "study"


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """A study as it was known, by pseudonym; the fields are those of :class:`~governance.catalogue.Study`."""

    study: str
    custodians: tuple[str, ...]
    patient: str | None
    modality: str
    body_part: str | None
    study_date: date
    labels: frozenset[str]

    @property
    def decoy(self) -> bool:
        """Say whether it was a planted record."""
        return Label.DECOY in self.labels


def study_fact(study: Study) -> Fact:
    """Give a study as it is to be known."""
    return Fact(
        STUDY,
        study.study,
        {
            "custodians": list(study.custodians),
            "patient": study.patient,
            "modality": study.modality,
            "body_part": study.body_part,
            "study_date": study.study_date.isoformat(),
            "labels": sorted(study.labels),
        },
        study=study.study,
    )


def known_study(version: Version) -> KnownStudy:
    """Give a study as it was known."""
    said = version.said()
    return KnownStudy(
        study=version.key,
        custodians=tuple(said.get("custodians") or ()),
        patient=said.get("patient"),
        modality=said["modality"],
        body_part=said.get("body_part"),
        study_date=date.fromisoformat(said["study_date"]),
        labels=frozenset(said.get("labels") or ()),
    )
