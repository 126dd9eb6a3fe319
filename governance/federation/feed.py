"""The staff feed of the public surface."""

from collections.abc import Mapping
from types import MappingProxyType

from governance import feeds
from governance.federation.people import StaffMember
from governance.feeds import DEFAULT_LIMITS, Fields, Limits, Parsed
from governance.pseudonyms import Pseudonymiser
from governance.pseudonyms.tie_keys import read_patient_key

FIELDS = frozenset(
    {
        "id",
        "ods",
        "issuer",
        "role",
        "department",
        "manager",
        "site",
        "team_ids",
        "patient_key",
        "household_key",
        "surname_key",
        "surname_share",
        "postcode_key",
        "training_valid_to",
        "leaves_on",
        "contact",
    }
)
TEAMS_MAXIMUM = 50


def parse_staff(
    body: bytes,
    pseudonymiser: Pseudonymiser,
    limits: Limits = DEFAULT_LIMITS,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Parsed[StaffMember]:
    """Read members of staff, one a line: ``{id, ods, issuer?, role, …}`` of the public surface.

    ``issuer`` names the person; ``names`` says in whose names that is (a trust's, or a national issuer's own). Without
    it the trust's own issuer does. ``role`` may be absent where the person is on file.

    The ids of member and manager leave here as ``s-…`` and ``patient_key`` as ``p-…``, comparable with the patients of
    events, or as ``k-…`` where it is a keyed hash (:mod:`governance.pseudonyms.tie_keys`); the other keys are kept as
    given, they are keyed hashes already. Raises InvalidInput when the body has too many lines.
    """

    def build(fields: Fields) -> StaffMember:
        staff_id = fields.required("id", feeds.text)
        ods = fields.required("ods", feeds.ods)
        issuer = fields.optional("issuer", feeds.text)
        role = fields.kept("role", feeds.code)
        department = fields.optional("department", feeds.text)
        manager = fields.optional("manager", feeds.text)
        site = fields.optional("site", feeds.text)
        team_ids = fields.many("team_ids", feeds.text, TEAMS_MAXIMUM)
        patient_key = fields.optional("patient_key", feeds.patient)
        household_key = fields.optional("household_key", feeds.keyed_hash)
        surname_key = fields.optional("surname_key", feeds.keyed_hash)
        surname_share = fields.optional("surname_share", feeds.share)
        postcode_key = fields.optional("postcode_key", feeds.keyed_hash)
        training_valid_to = fields.optional("training_valid_to", feeds.day)
        leaves_on = fields.optional("leaves_on", feeds.day)
        contact = fields.optional("contact", feeds.mail_address)
        fields.finish()
        named_by = ods if issuer is None else names.get(issuer)
        if named_by not in {ods, issuer}:
            fields.fail("issuer", "must be the trust's identity provider or a national one, registered here")
        fields.finish()
        return StaffMember(
            id=pseudonymiser.subject(staff_id),
            ods=ods,
            role=role,
            department=department,
            manager=None if manager is None else pseudonymiser.subject(manager),
            site=site,
            team_ids=team_ids,
            patient_key=None
            if patient_key is None
            else read_patient_key(patient_key) or pseudonymiser.patient(patient_key),
            household_key=household_key,
            surname_key=surname_key,
            surname_share=surname_share,
            postcode_key=postcode_key,
            training_valid_to=training_valid_to,
            leaves_on=leaves_on,
            issuer="" if issuer is None or named_by == ods else issuer,
            contact=contact or ("" if "contact" in fields.named else None),
        )

    return feeds.parse(body, limits, FIELDS, build)


def _patient(key: str | None, pseudonymiser: Pseudonymiser) -> str | None:
    return None if key is None else read_patient_key(key) or pseudonymiser.patient(key)
