"""The little world of the policy tests: one clause, one request that it permits, and changes to both by dotted path."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from governance.agreements import PolicyData
from governance.decisions import Engine, EngineFault
from governance.vocabulary import ReasonCode

REQUESTER, OWNER, PURPOSE = "RKB", "RRK", "TREAT"
NOW = 1_795_521_600  # 2026-11-24T12:00:00Z

CLAUSE: Mapping[str, Any] = {
    "agreement": "care",
    "version": 3,
    "clause": "1",
    "effective_from": NOW - 86_400,
    "effective_to": NOW + 86_400,
    "owners": [OWNER],
    "actions": ["read", "search"],
    "roles": ["clinician", "consultant_radiologist"],
    "services": ["viewer"],
    "ai": {"ich-triage": {"versions": ["2.1.0"], "modalities": ["CT"], "body_parts": ["HEAD"], "daily_volume": 500}},
    "modalities": ["CT", "MR"],
    "body_parts": ["*"],
    "priors_days": 365,
    "excluded_labels": [],
    "sensitive": "break_glass",
    "identity_assurance": 2,
    "managed_device": True,
    "hours": None,
    "relationship": "required",
    "training": True,
    "obligations": [],
    "break_glass": {
        "allowed": True,
        "minutes": 30,
        "notify": ["owner_caldicott_guardian"],
        "review_share": 0.5,
    },
    "opt_out_applies": True,
    "token_seconds": 60,
    "act_depth": 1,
}

REQUEST: Mapping[str, Any] = {
    "time": {"epoch": NOW, "minute_of_day": 720},
    "subject": {
        "id": "s-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "type": "practitioner",
        "role": "consultant_radiologist",
        "ods": REQUESTER,
        "known": True,
        "organisation_known": True,
        "assurance": 3,
        "training_valid": True,
        "managed_device": True,
        "ai": None,
    },
    "action": "read",
    "purpose": PURPOSE,
    "resource": {
        "known": True,
        "custodians": [OWNER],
        "modality": "CT",
        "body_part": "HEAD",
        "age_days": 0,
        "labels": [],
        "patient_known": True,
    },
    "patient": {"opt_out": None},
    "relationships": [{"kind": "order", "age_days": 0, "of_study": False}],
    "context": {"break_glass_reason": None, "self_claim_reason": None},
    "grants": [],
}

AI_SUBJECT: Mapping[str, Any] = {
    "id": "ich-triage",
    "type": "ai_service",
    "role": "ai_service",
    "ods": REQUESTER,
    "known": True,
    "organisation_known": True,
    "assurance": None,
    "training_valid": None,
    "managed_device": None,
    "ai": {
        "version": "2.1.0",
        "approved": True,
        "manifest": {
            "versions": ["2.1.0"],
            "modalities": ["CT"],
            "body_parts": ["HEAD"],
            "trusts": [OWNER],
            "purposes": ["TREAT"],
            "daily_volume": 1000,
        },
        "reads_today": 0,
    },
}


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give a deep copy of ``base`` with the value at each dotted path replaced."""
    value = copy.deepcopy(dict(base))
    for path, replacement in changes.items():
        *parents, last = path.split(".")
        inner = value
        for parent in parents:
            inner = inner[parent]
        inner[last] = copy.deepcopy(replacement)
    return value


def clause(key: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the base clause under a key ``<agreement>/<clause>``, changed."""
    agreement, number = key.split("/")
    return changed(CLAUSE, {"agreement": agreement, "clause": number, **changes})


def policy_data(
    clauses: Mapping[str, Mapping[str, Any]],
    index: Mapping[str, Any] | None = None,
    lapsed: Mapping[str, Any] | None = None,
    revision: str = "r-1",
) -> PolicyData:
    """Give policy data of changed clauses; without an index, each is agreed by the base pair for the base purpose."""
    document = {
        "revision": revision,
        "index": {REQUESTER: {OWNER: {PURPOSE: sorted(clauses)}}} if index is None else dict(index),
        "lapsed": dict(lapsed or {}),
        "clauses": {key: clause(key, changes) for key, changes in clauses.items()},
    }
    return PolicyData(revision, document)


OPEN = policy_data({"care/1": {}}, revision="open")  # permits the request
SHUT = policy_data({"care/1": {"actions": ["search"]}}, revision="shut")  # denies it


def reason_of(engine: Engine) -> ReasonCode:
    """Give the fault with which an engine fails to answer the request."""
    with pytest.raises(EngineFault) as caught:
        engine.evaluate(REQUEST)
    return caught.value.reason
