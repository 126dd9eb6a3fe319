"""What a record is about: a study, as the audit log names it."""

from governance.audit.event import Resource
from governance.catalogue import Study


def resource_of(study: Study, series_uid: str | None = None) -> Resource:
    """Describe a study as an audit event does."""
    return Resource(
        patient=study.patient,
        study_uid=study.study_uid,
        series_uid=series_uid,
        modality=study.modality,
        body_part=study.body_part,
        study_date=study.study_date,
        custodian=study.custodians[0] if study.custodians else None,
    )
