"""Patient and study references as other systems write them, brought to one form.

An NHS number becomes its ten digits wherever it is recognised. Any other patient identifier keeps its assigner, because
two hospitals use the same numbers; without one it is put under the trust that sent it.
"""

import re

from governance.vocabulary import is_nhs_number, study_uid

NHS_OID = "2.16.840.1.113883.2.1.4.1"
NHS_SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
REFERENCE_MAXIMUM = 128  # characters of a patient reference

_PSEUDONYM = re.compile(r"[pst]-[a-z2-7]{26}")
_NHS_ASSIGNERS = frozenset({"NHS", "NHSNO", "NHSNUMBER", NHS_OID, f"URN:OID:{NHS_OID}"})
_NOTHING = frozenset({"", "<NONE>", "NONE", "NULL", "UNKNOWN", "N/A", "ANONYMOUS"})
_BLANKS = re.compile(r"[\s_-]")


def is_pseudonym(text: str) -> bool:
    """Say whether the text has the form of a pseudonym of this service."""
    return bool(_PSEUDONYM.fullmatch(text))


def patient_from_cx(text: str, ods: str) -> str | None:
    """Read an HL7 v2 CX (``id^^^assigner&oid&ISO``), as DICOM audit messages write patients; None when it names nobody.

    Raises ValueError when the identifier is longer than :data:`REFERENCE_MAXIMUM`.
    """
    identifier, *rest = text.split("^")
    assigner = rest[2] if len(rest) > 2 else ""
    return patient_reference(identifier, assigner.split("&"), ods)


def patient_reference(identifier: str, assigners: list[str], ods: str) -> str | None:
    """Give an NHS number's digits, a pseudonym as it is, or ``id^^^assigner`` of a local identifier.

    Args:
        identifier: the identifier as written.
        assigners: every name the assigning authority goes by (namespace, OID, type; FHIR system).
        ods: the trust that sent it: the assigner of last resort.
    """
    identifier = identifier.strip()
    if identifier.upper() in _NOTHING:
        return None
    if is_pseudonym(identifier):
        return identifier
    named = [each.strip() for each in assigners if each.strip() and each.strip().upper() != "ISO"]
    digits = identifier.replace(" ", "")
    if is_nhs_number(digits) and (not named or any(map(_is_nhs, named))):
        return digits
    reference = f"{identifier}^^^{named[0] if named else ods}"
    if len(reference) > REFERENCE_MAXIMUM:
        raise ValueError(f"is longer than {REFERENCE_MAXIMUM} characters with its assigner")
    return reference


def _is_nhs(assigner: str) -> bool:
    return assigner == NHS_SYSTEM or _BLANKS.sub("", assigner).upper() in _NHS_ASSIGNERS


def study_reference(text: str) -> str | None:
    """Give a study instance UID, with or without ``urn:oid:``; None for what is none (senders write words there)."""
    uid = text.strip().removeprefix("urn:oid:")
    if is_pseudonym(uid):
        return uid if uid.startswith("t-") else None
    try:
        return study_uid(uid)
    except ValueError:
        return None
