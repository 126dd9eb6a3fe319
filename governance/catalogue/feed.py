"""The studies feed of the public surface: ``{id, custodians?, patient, modality, body_part?, study_date, labels?}``."""

from governance import feeds
from governance.catalogue.study import Study
from governance.feeds import DEFAULT_LIMITS, Fields, Limits, Parsed
from governance.pseudonyms import Pseudonymiser

FIELDS = frozenset({"id", "custodians", "patient", "modality", "body_part", "study_date", "labels"})
CUSTODIANS_MAXIMUM = 20
LABELS_MAXIMUM = 16


def parse_studies(body: bytes, pseudonymiser: Pseudonymiser, limits: Limits = DEFAULT_LIMITS) -> Parsed[Study]:
    """Read studies, one a line; the patient leaves here as a pseudonym.

    ``custodians`` may be absent where the study is on file. An empty list is a study without an owner: known, and
    closed to everybody. Raises InvalidInput when the body has too many lines.
    """

    def build(fields: Fields) -> Study:
        study_uid = fields.required("id", feeds.study_uid)
        named = "custodians" in fields.named
        custodians = fields.many("custodians", feeds.ods, CUSTODIANS_MAXIMUM, required=named)
        patient = fields.required("patient", feeds.patient)
        modality = fields.required("modality", feeds.dicom_code)
        body_part = fields.optional("body_part", feeds.dicom_code)
        study_date = fields.required("study_date", feeds.day)
        labels = fields.many("labels", feeds.code, LABELS_MAXIMUM)
        fields.finish()
        return Study(
            study_uid=study_uid,
            study=pseudonymiser.study(study_uid),
            custodians=custodians,
            patient=pseudonymiser.patient(patient),
            modality=modality,
            body_part=body_part,
            study_date=study_date,
            labels=frozenset(labels),
        )

    return feeds.parse(body, limits, FIELDS, build)
