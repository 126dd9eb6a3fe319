"""The edges and patients feeds of the public surface."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

from governance import feeds
from governance.feeds import DEFAULT_LIMITS, Fields, Limits, Parsed
from governance.pseudonyms import Pseudonymiser
from governance.relationships.edge import Edge
from governance.relationships.patient import PatientContext, PatientFlag
from governance.vocabulary import Purpose, RelationshipKind

EDGE_FIELDS = frozenset(
    {
        "id",
        "kind",
        "subject",
        "issuer",
        "patient",
        "study_uid",
        "ods",
        "from",
        "until",
        "source",
        "site",
        "purpose",
        "destination",
        "limit",
    }
)
PATIENT_FIELDS = frozenset(
    {
        "id",
        "ods",
        "household_key",
        "surname_key",
        "surname_share",
        "postcode_key",
        "staff_id",
        "flags",
        "deceased_on",
        "opt_out",
        "opt_out_checked_at",
    }
)
Names: TypeAlias = Mapping[str, str]  # in whose names an issuer's subjects are: a trust's ODS code, or its own
NO_NAMES: Names = MappingProxyType({})
CLOCK_SKEW = timedelta(minutes=5)  # how far a source's clock may run ahead of ours

_kind = feeds.choice(RelationshipKind)
_flag = feeds.choice(PatientFlag)
_purpose = feeds.choice(Purpose)


def parse_edges(
    body: bytes, pseudonymiser: Pseudonymiser, limits: Limits = DEFAULT_LIMITS, names: Names = NO_NAMES
) -> Parsed[Edge]:
    """Read edges, one a line, with the members of the public surface.

    ``site`` is where a rota's work is done; ``purpose``, ``destination`` and ``limit`` bound a project.
    ``issuer`` names the subject; ``names`` says in whose names that is (a trust's, or a national issuer's own).

    Subject, patient and study leave here as pseudonyms. Of an edge that is on file a line may leave out everything but
    ``id``, and ``ods`` of any: it is empty then, and the writer's. So whether an edge names a patient or a study is
    known once it is held to what is on file. Raises InvalidInput when the body has too many lines.
    """

    def build(fields: Fields) -> Edge:
        edge_id = fields.required("id", feeds.text)
        kind = fields.kept("kind", _kind)
        subject = fields.kept("subject", feeds.text)
        issuer = fields.optional("issuer", feeds.text)
        patient = fields.optional("patient", feeds.patient)
        study_uid = fields.optional("study_uid", feeds.study_uid)
        ods = fields.kept("ods", feeds.ods)
        valid_from = fields.kept("from", feeds.timestamp)
        valid_until = fields.optional("until", feeds.timestamp)
        source = fields.kept("source", feeds.text)
        site = fields.optional("site", feeds.text)
        purpose = fields.optional("purpose", _purpose)
        destination = fields.optional("destination", feeds.text)
        limit = fields.optional("limit", feeds.count)
        fields.finish()
        if valid_until is not None and "from" in fields.named and valid_until <= valid_from:
            fields.fail("until", "must be after from")
        if issuer is not None and issuer not in names:
            fields.fail("issuer", "is not a registered identity provider")
        fields.finish()
        return Edge(
            id=edge_id,
            kind=kind,
            subject=pseudonymiser.subject(subject) if "subject" in fields.named else "",
            patient=None if patient is None else pseudonymiser.patient(patient),
            study=None if study_uid is None else pseudonymiser.study(study_uid),
            ods=ods or "",
            valid_from=valid_from,
            valid_until=valid_until,
            source=source,
            named_by=None if issuer is None else names[issuer],
            site=site,
            purpose=purpose,
            destination=destination,
            limit=limit,
        )

    return feeds.parse(body, limits, EDGE_FIELDS, build)


def parse_patients(
    body: bytes,
    pseudonymiser: Pseudonymiser,
    now: datetime,
    limits: Limits = DEFAULT_LIMITS,
    patient_of: Callable[[str], str] | None = None,
) -> Parsed[PatientContext]:
    """Read patients, one a line, with the ties and flags of the public surface and an optional opt-out check.

    ``ods`` is the trust that says so, None when the line names none. The patient and the member of staff leave here as
    pseudonyms; keys are kept as given, they are keyed hashes already. ``opt_out`` and ``opt_out_checked_at`` come
    together, and no check is from after ``now``: a date ahead would outlive the cache. ``patient_of`` gives the
    pseudonym of a patient in the pseudonymiser's place, for whoever has to hear of their references. Raises
    InvalidInput when the body has too many lines.
    """

    def build(fields: Fields) -> PatientContext:
        patient = fields.required("id", feeds.patient)
        ods = fields.optional("ods", feeds.ods)
        household_key = fields.optional("household_key", feeds.keyed_hash)
        surname_key = fields.optional("surname_key", feeds.keyed_hash)
        surname_share = fields.optional("surname_share", feeds.share)
        postcode_key = fields.optional("postcode_key", feeds.keyed_hash)
        staff_id = fields.optional("staff_id", feeds.text)
        flags = fields.many("flags", _flag, len(PatientFlag))
        deceased_on = fields.optional("deceased_on", feeds.day)
        opt_out = fields.optional("opt_out", feeds.flag)
        checked_at = fields.optional("opt_out_checked_at", feeds.timestamp)
        fields.finish()
        if (opt_out is None) != (checked_at is None):
            fields.fail("opt_out_checked_at", "comes together with opt_out")
        if checked_at is not None and checked_at > now + CLOCK_SKEW:
            fields.fail("opt_out_checked_at", "must not be in the future")
        fields.finish()
        return PatientContext(
            patient=(patient_of or pseudonymiser.patient)(patient),
            household_key=household_key,
            surname_key=surname_key,
            surname_share=surname_share,
            postcode_key=postcode_key,
            staff=None if staff_id is None else pseudonymiser.subject(staff_id),
            flags=frozenset(flags),
            deceased_on=deceased_on,
            opt_out=opt_out,
            opt_out_checked_at=checked_at,
            ods=ods,
        )

    return feeds.parse(body, limits, PATIENT_FIELDS, build)
