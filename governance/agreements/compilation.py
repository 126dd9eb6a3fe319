"""Compilation: signed agreements to policy data, the same bytes for the same agreements.

Rules:

1. Pure and deterministic: the order in which agreements come, and the order of the lists in a text, change nothing. The
   revision is the SHA-256 of the RFC 8785 text of the compiled document without its revision, and of the digest of the
   rules that are to decide with it: other rules are another revision.
2. ``index`` holds what is active and signed by every party; ``lapsed`` what is suspended, expired or terminated, only
   so that a denial can say so. What was never signed by all, or no longer counts as signed, is in neither.
3. One version an agreement: the active one, else the newest.
4. Indexed by requesting organisation, custodian and purpose, so that a decision reads a handful of clauses however many
   agreements there are. A trust that is both owner and recipient is indexed with itself too.

Shape, read by both engines as ``data.governance``: ``{revision, index, lapsed, clauses}``. Compatibility: keys
may be added; a key is never renamed or given another meaning without a change of the policies in the same commit.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import rfc8785

from governance.agreements.lifecycle import LAPSED
from governance.agreements.model import Agreement, AiService, Clause, Obligation
from governance.vocabulary import AgreementStatus

Index: TypeAlias = dict[str, dict[str, dict[str, list[str]]]]


@dataclass(frozen=True, slots=True)
class PolicyData:
    """What both engines load: ``document`` is the value of ``data.governance``, ``revision`` its identity."""

    revision: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compilable:
    """One version on file with what decides where it goes; ``fully_signed`` counts only signatures valid now."""

    agreement: Agreement
    status: AgreementStatus
    fully_signed: bool


def agreements_in_force(data: PolicyData) -> frozenset[str]:
    """Give the ids of the agreements that policy may permit something under."""
    keys = {
        key
        for custodians in data.document["index"].values()
        for purposes in custodians.values()
        for named in purposes.values()
        for key in named
    }
    return frozenset(key.rsplit("/", 1)[0] for key in keys)


def compile_policy(candidates: Iterable[Compilable], rules: str = "") -> PolicyData:
    """Give the policy data of the agreements.

    Args:
        candidates: every version on file that was not superseded, in any order.
        rules: names the rules that are to decide with it; a part of the revision.
    """
    clauses: dict[str, dict[str, Any]] = {}
    index: Index = {}
    lapsed: Index = {}
    for found in _one_a_name(candidates):
        clauses |= compile_clauses(found.agreement)
        _add(index if found.status is AgreementStatus.ACTIVE else lapsed, found.agreement)
    body = {"index": _sorted(index), "lapsed": _sorted(lapsed), "clauses": clauses}
    revision = hashlib.sha256(rfc8785.dumps({**body, "rules": rules} if rules else body)).hexdigest()
    return PolicyData(revision, {"revision": revision, **body})


def compile_clauses(agreement: Agreement) -> dict[str, dict[str, Any]]:
    """Give the compiled clauses of one agreement by their key, ``<agreement>/<clause>``."""
    return {clause_key(agreement.id, clause.id): _clause(agreement, clause) for clause in agreement.clauses}


def clause_key(agreement_id: str, clause_id: str) -> str:
    """Give the name of a clause in the policy data."""
    return f"{agreement_id}/{clause_id}"


def _one_a_name(candidates: Iterable[Compilable]) -> list[Compilable]:
    """Choose the version that speaks for each agreement (rules 2 and 3), sorted by name."""
    chosen: dict[str, Compilable] = {}
    for found in candidates:
        if not found.fully_signed or (found.status is not AgreementStatus.ACTIVE and found.status not in LAPSED):
            continue
        held = chosen.get(found.agreement.id)
        if held is None or _precedence(found) > _precedence(held):
            chosen[found.agreement.id] = found
    return [chosen[name] for name in sorted(chosen)]


def _precedence(found: Compilable) -> tuple[bool, int]:
    return found.status is AgreementStatus.ACTIVE, found.agreement.version


def _add(index: Index, agreement: Agreement) -> None:
    for recipient in agreement.direction.recipients:
        by_owner = index.setdefault(recipient, {})
        for owner in agreement.direction.owners:
            by_purpose = by_owner.setdefault(owner, {})
            for clause in agreement.clauses:
                key = clause_key(agreement.id, clause.id)
                for purpose in clause.purposes:
                    by_purpose.setdefault(purpose.value, []).append(key)


def _sorted(index: Index) -> Index:
    for by_owner in index.values():
        for by_purpose in by_owner.values():
            for keys in by_purpose.values():
                keys.sort()
    return index


def _clause(agreement: Agreement, clause: Clause) -> dict[str, Any]:
    data, conditions, token = clause.data, clause.conditions, clause.token
    key = clause_key(agreement.id, clause.id)
    return {
        "agreement": agreement.id,
        "version": agreement.version,
        "clause": clause.id,
        "effective_from": int(agreement.effective.begins_at.timestamp()),
        "effective_to": int(agreement.effective.ends_at.timestamp()),
        "owners": sorted(agreement.direction.owners),
        "actions": sorted(word.value for word in clause.actions),
        "roles": sorted(word.value for word in clause.recipients.roles),
        "services": sorted(clause.recipients.services),
        "ai": {service.id: _ai(service) for service in clause.recipients.ai_services},
        "modalities": sorted(data.modalities),
        "body_parts": sorted(data.body_parts),
        "priors_days": data.priors_days,
        "excluded_labels": sorted(word.value for word in data.excluded_labels),
        "sensitive": data.sensitive,
        "identity_assurance": conditions.identity_assurance,
        "managed_device": conditions.managed_device,
        "hours": None
        if conditions.hours is None
        else {"from_minute": conditions.hours.from_minute, "to_minute": conditions.hours.to_minute},
        "relationship": conditions.relationship,
        "training": conditions.training,
        "obligations": [
            {"id": f"{key}/{n}", "type": obligation.type, "properties": dict(obligation.properties)}
            for n, obligation in enumerate(sorted(conditions.obligations, key=_obligation_order), 1)
        ],
        "break_glass": {
            "allowed": clause.break_glass.allowed,
            "minutes": clause.break_glass.minutes,
            "notify": sorted(clause.break_glass.notify),
            "review_share": clause.break_glass.review_share,
        },
        "opt_out_applies": clause.opt_out.applies,
        "token_seconds": token.seconds,
        "act_depth": token.act_depth,
    }


def _obligation_order(obligation: Obligation) -> tuple[str, bytes]:
    return obligation.type, rfc8785.dumps(obligation.properties)


def _ai(service: AiService) -> dict[str, Any]:
    return {
        "versions": sorted(service.versions),
        "modalities": sorted(service.modalities),
        "body_parts": sorted(service.body_parts),
        "daily_volume": service.daily_volume,
    }
