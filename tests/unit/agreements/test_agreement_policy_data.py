"""Compilation: the exact shape both engines read, and what has no place in it."""

import hashlib
import json
from typing import Any

import pytest

from governance.agreements.compilation import Compilable, PolicyData, compile_policy
from governance.agreements.documents import check
from governance.vocabulary import AgreementStatus as Status
from tests.worlds.agreements import document

AI = {"id": "ai-x", "versions": ["2.0.0", "1.0.0"], "modalities": ["CT"], "body_parts": ["HEAD"], "daily_volume": 10}


def one(made: dict[str, Any], status: Status = Status.ACTIVE, *, signed: bool = True) -> Compilable:
    return Compilable(check(made).agreement, status, signed)


def parts(policy: PolicyData) -> tuple[Any, Any, Any]:
    return policy.document["index"], policy.document["lapsed"], policy.document["clauses"]


def test_the_shape_is_the_one_the_engines_read() -> None:
    policy = compile_policy([one(document())])
    index, lapsed, clauses = parts(policy)
    keys = {"ETREAT": ["two-trusts/4.1"], "TREAT": ["two-trusts/4.1"]}
    assert index == {"RKB": {"RRK": keys, "RKB": keys}}
    assert lapsed == {}
    assert clauses == {
        "two-trusts/4.1": {
            "agreement": "two-trusts",
            "version": 1,
            "clause": "4.1",
            "effective_from": 1767225600,
            "effective_to": 1798761600,
            "owners": ["RKB", "RRK"],
            "actions": ["read", "search"],
            "roles": ["clinician"],
            "services": [],
            "ai": {},
            "modalities": ["CT", "MR"],
            "body_parts": ["*"],
            "priors_days": 365,
            "excluded_labels": ["sealed"],
            "sensitive": "break_glass",
            "identity_assurance": 2,
            "managed_device": True,
            "hours": {"from_minute": 1200, "to_minute": 480},
            "relationship": "required",
            "training": True,
            "obligations": [{"id": "two-trusts/4.1/1", "type": "watermark", "properties": {"text": "shared"}}],
            "break_glass": {"allowed": True, "minutes": 30, "notify": ["owner_privacy_officer"], "review_share": 0.5},
            "opt_out_applies": False,
            "token_seconds": 60,
            "act_depth": 1,
        }
    }


def test_the_revision_is_the_hash_of_what_was_compiled() -> None:
    policy = compile_policy([one(document())])
    body = {key: value for key, value in policy.document.items() if key != "revision"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))  # equal to RFC 8785 for what stands in the base
    assert policy.document["revision"] == policy.revision == hashlib.sha256(text.encode()).hexdigest()


def test_nothing_compiles_to_nothing() -> None:
    assert parts(compile_policy([])) == ({}, {}, {})


def test_an_ai_service_carries_its_own_limits() -> None:
    made = document({"/clauses/0/recipients": {"ai_services": [AI]}, "/clauses/0/token/act_depth": 0})
    clause = parts(compile_policy([one(made)]))[2]["two-trusts/4.1"]
    assert clause["roles"] == []
    assert clause["ai"] == {
        "ai-x": {"versions": ["1.0.0", "2.0.0"], "modalities": ["CT"], "body_parts": ["HEAD"], "daily_volume": 10}
    }


def test_dates_are_days_of_london() -> None:
    made = document({"/effective": {"from": "2026-06-01", "to": "2026-10-31"}})
    clause = parts(compile_policy([one(made)]))[2]["two-trusts/4.1"]
    assert clause["effective_from"] == 1780268400  # 2026-05-31T23:00:00Z, summer time
    assert clause["effective_to"] == 1793491200  # 2026-11-01T00:00:00Z, the midnight after the last day


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.EXPIRED, Status.TERMINATED])
def test_what_lapsed_is_kept_only_to_explain(status: Status) -> None:
    index, lapsed, clauses = parts(compile_policy([one(document(), status)]))
    assert index == {}
    assert list(lapsed["RKB"]) == ["RRK", "RKB"]
    assert list(clauses) == ["two-trusts/4.1"]


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SIGNED])
def test_what_was_never_in_force_is_nowhere(status: Status) -> None:
    assert parts(compile_policy([one(document(), status)])) == ({}, {}, {})


@pytest.mark.parametrize("status", list(Status))
def test_what_is_not_signed_by_all_is_nowhere(status: Status) -> None:
    assert parts(compile_policy([one(document(), status, signed=False)])) == ({}, {}, {})


def test_the_active_version_speaks_and_else_the_newest() -> None:
    first, second = one(document()), one(document(version=2), Status.TERMINATED)
    assert parts(compile_policy([first, second]))[2]["two-trusts/4.1"]["version"] == 1
    lapsed = parts(compile_policy([one(document(), Status.EXPIRED), second]))[2]
    assert lapsed["two-trusts/4.1"]["version"] == 2


def test_several_agreements_of_a_pair_are_listed_in_order() -> None:
    policy = compile_policy([one(document(id="b")), one(document(id="a"))])
    assert parts(policy)[0]["RKB"]["RRK"]["TREAT"] == ["a/4.1", "b/4.1"]


def test_any_change_of_a_term_changes_the_revision() -> None:
    changed = document({"/clauses/0/token/seconds": 61})
    assert compile_policy([one(document())]).revision != compile_policy([one(changed)]).revision
