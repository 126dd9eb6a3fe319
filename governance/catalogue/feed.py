"""The studies feed of the public surface: ``{id, custodians?, patient, modality, body_part?, study_date, labels?}``.

Of a study that is on file a line may leave out everything but its ``id``.
"""

from collections.abc import Callable

from governance import feeds
from governance.catalogue.study import Study
from governance.feeds import DEFAULT_LIMITS, Fields, Limits, Parsed
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import Label

FIELDS = frozenset({"id", "custodians", "patient", "modality", "body_part", "study_date", "labels"})
CUSTODIANS_MAXIMUM = 20
LABELS_MAXIMUM = 16
read_label = feeds.choice(Label)  # a closed list: a mistyped one would leave a study open that was to be sealed


def parse_studies(
    body: bytes,
    pseudonymiser: Pseudonymiser,
    limits: Limits = DEFAULT_LIMITS,
    patient_of: Callable[[str], str] | None = None,
) -> Parsed[Study]:
    """Read studies, one a line; the patient leaves here as a pseudonym.

    ``patient_of`` gives it in the pseudonymiser's place, for whoever has to hear of patients' references.

    ``custodians`` may be absent where the study is on file. An empty list is a study without an owner: known, and
    closed to everybody. Raises InvalidInput when the body has too many lines.
    """

    def build(fields: Fields) -> Study:
        study_uid = fields.required("id", feeds.study_uid)
        named = "custodians" in fields.named
        custodians = fields.many("custodians", feeds.ods, CUSTODIANS_MAXIMUM, required=named)
        patient = fields.kept("patient", feeds.patient)
        modality = fields.kept("modality", feeds.dicom_code)
        body_part = fields.optional("body_part", feeds.dicom_code)
        study_date = fields.kept("study_date", feeds.day)
        labels = fields.many("labels", read_label, LABELS_MAXIMUM)
        fields.finish()
        return Study(
            study_uid=study_uid,
            study=pseudonymiser.study(study_uid),
            custodians=custodians,
            patient=(patient_of or pseudonymiser.patient)(patient) if "patient" in fields.named else "",
            modality=modality,
            body_part=body_part,
            study_date=study_date,
            labels=frozenset(label.value for label in labels),
        )

    return feeds.parse(body, limits, FIELDS, build)
