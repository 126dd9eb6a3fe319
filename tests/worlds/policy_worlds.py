"""Random clauses, requests, restrictions and rubbish for the policy properties."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from governance.agreements import PolicyData
from tests.worlds.policy import AI_SUBJECT, NOW, REQUEST, changed, policy_data

Request = dict[str, Any]
World = dict[str, Any]  # {"index": …, "lapsed": …, "clauses": {key: changes}}

KEYS = ("care/1", "care/2", "pool/1", "study/7.1")
TRUSTS = ("RKB", "RRK", "RNA")
PURPOSES = ("TREAT", "BTG", "HRESCH")
ACTIONS = ("read", "search", "export")
ROLES = ("clinician", "consultant_radiologist", "nurse")
MODALITIES = ("CT", "MR", "US")
LABELS = ("decoy", "sealed", "sensitive")
KINDS = ("episode", "mdt", "order", "pool", "project", "rota", "worklist")
REASONS = (None, None, "", "  ", "cardiac arrest")


def _some(values: tuple[Any, ...], least: int = 0) -> SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=least, unique=True)


def _mostly(usual: Any, *others: Any) -> SearchStrategy[Any]:
    return st.sampled_from([usual] * 4 + list(others))


_HOURS = st.none() | st.fixed_dictionaries({"from_minute": st.integers(0, 1439), "to_minute": st.integers(0, 1439)})

CLAUSE_CHANGES: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "effective_from": _mostly(NOW - 1, NOW, NOW + 1),
        "effective_to": _mostly(NOW + 1, NOW, None),
        "actions": _some(ACTIONS, 1),
        "roles": _some(ROLES),
        "services": _some(("viewer", "archive")),
        "ai.ich-triage.versions": _some(("2.1.0", "2.2.0")),
        "ai.ich-triage.daily_volume": st.integers(1, 3),
        "modalities": _mostly(["*"], ["CT"], ["CT", "MR"], []),
        "body_parts": _mostly(["*"], ["HEAD"], ["CHEST"]),
        "priors_days": st.sampled_from([None, 1, 365, 3650]),
        "excluded_labels": _some(LABELS),
        "sensitive": st.sampled_from(["deny", "break_glass"]),
        "identity_assurance": st.integers(1, 3),
        "managed_device": st.booleans(),
        "hours": _HOURS,
        "relationship": st.sampled_from(["required", "self_claim", "not_required"]),
        "training": st.booleans(),
        "obligations": st.lists(
            st.fixed_dictionaries({"id": st.just("o"), "type": st.just("watermark"), "properties": st.just({"n": 1})}),
            max_size=2,
        ),
        "break_glass.allowed": st.booleans(),
        "break_glass.notify": _some(("owner_caldicott_guardian", "recipient_privacy_officer")),
        "opt_out_applies": st.booleans(),
    },
)

_BY_PURPOSE = st.dictionaries(st.sampled_from(PURPOSES), _some(KEYS, 1).map(sorted), min_size=1)
_BY_OWNER = st.dictionaries(st.sampled_from(TRUSTS), _BY_PURPOSE, min_size=1)
_INDEX = st.dictionaries(st.sampled_from(("RKB", "RNA")), _BY_OWNER)
_USUAL_INDEX = {"RKB": {"RRK": {purpose: sorted(KEYS) for purpose in PURPOSES}}}

WORLDS: SearchStrategy[World] = st.fixed_dictionaries(
    {
        "index": st.just(_USUAL_INDEX) | _INDEX,
        "lapsed": _INDEX,
        "clauses": st.fixed_dictionaries(dict.fromkeys(KEYS, CLAUSE_CHANGES)),
    }
)

_TIE = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "age_days": st.integers(0, 4000),
        "of_study": st.booleans(),
    }
)

_GRANT = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["g-1", "g-2"]),
        "clause": st.sampled_from(KEYS),
        "since": st.sampled_from([NOW - 3600, NOW - 60, NOW + 60]),
        "until": st.sampled_from([NOW - 1, NOW, NOW + 60, NOW + 3600]),
    }
)

_REQUEST_CHANGES: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "time.minute_of_day": st.integers(0, 1439),
        "subject.role": st.sampled_from([*ROLES, None]),
        "subject.known": _mostly(True, False, None),
        "subject.organisation_known": _mostly(True, False),
        "subject.assurance": st.sampled_from([None, 1, 2, 3]),
        "subject.training_valid": _mostly(True, False, None),
        "subject.managed_device": _mostly(True, False, None),
        "action": _mostly("read", "search", "export"),
        "purpose": st.sampled_from(PURPOSES),
        "resource.known": _mostly(True, False),
        "resource.custodians": _mostly(["RRK"], [], ["RNA", "RRK"], ["RKB"]),
        "resource.modality": _mostly("CT", "MR", "US", None),
        "resource.body_part": _mostly("HEAD", "CHEST", None),
        "resource.age_days": st.none() | st.integers(0, 8000),
        "resource.labels": _some(LABELS).map(sorted),
        "patient.opt_out": st.sampled_from([True, False, None]),
        "relationships": st.lists(_TIE, max_size=3),
        "context.break_glass_reason": st.sampled_from(REASONS),
        "context.self_claim_reason": st.sampled_from(REASONS),
        "grants": st.lists(_GRANT, max_size=2),
    },
)

_AI_CHANGES: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "subject.id": _mostly("ich-triage", "pe-triage"),
        "subject.ai.version": st.sampled_from(["2.1.0", "2.2.0", None]),
        "subject.ai.approved": _mostly(True, False),
        "subject.ai.manifest.trusts": _some(TRUSTS),
        "subject.ai.manifest.daily_volume": st.integers(1, 3),
        "subject.ai.reads_today": st.integers(0, 4),
        "subject.ai.manifest": st.none(),
    },
)


def _ai(changes: Mapping[str, Any]) -> Request:
    """Change the AI service; without a manifest nothing inside it is changed."""
    if "subject.ai.manifest" in changes:
        changes = {path: value for path, value in changes.items() if not path.startswith("subject.ai.manifest.")}
    return changed(changed(REQUEST, {"subject": AI_SUBJECT}), changes)


@st.composite
def requests(draw: Callable[[SearchStrategy[Any]], Any]) -> Request:
    """Draw a well-formed policy input; four in five are a person's."""
    kind = draw(_mostly("practitioner", "ai_service"))
    base = _ai(draw(_AI_CHANGES)) if kind == "ai_service" else changed(REQUEST, {})
    changes = draw(_REQUEST_CHANGES)
    if draw(st.integers(0, 9)) == 0:
        changes = changes | {"subject.type": "service", "subject.id": draw(st.sampled_from(["viewer", "pacs"]))}
    return changed(base, changes)


def data_of(world: World, revision: str = "r-1") -> PolicyData:
    """Give the policy data of a world."""
    return policy_data(world["clauses"], world["index"], world["lapsed"], revision)


# Rubbish.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
RUBBISH = st.dictionaries(st.sampled_from(sorted(REQUEST)) | st.text(max_size=6), JSON, max_size=6)
# Attributes of which each must be right for the base request to be permitted, and the type that is right.
NEEDED: Mapping[str, type] = {
    "time.epoch": int,
    "time.minute_of_day": int,
    "subject.type": str,
    "subject.role": str,
    "subject.ods": str,
    "subject.known": bool,
    "subject.organisation_known": bool,
    "subject.assurance": int,
    "subject.training_valid": bool,
    "subject.managed_device": bool,
    "action": str,
    "purpose": str,
    "resource.known": bool,
    "resource.custodians": list,
    "resource.modality": str,
    "resource.body_part": str,
    "resource.age_days": int,
    "resource.labels": list,
    "patient.opt_out": bool,
    "relationships": list,
}
