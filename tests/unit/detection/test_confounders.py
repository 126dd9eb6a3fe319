"""What looks odd and is not: none of it raises an alert, with every detector of looks and habits on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory
from governance.detection.registry import default_rules
from governance.vocabulary import AlertKind
from tests.worlds.detection import BEGAN, LittleExplainer, event, region, span

RULES = [rule for rule in default_rules() if rule.id != "access_without_decision"]  # it asks for decisions, not reasons
Rows = Sequence[Mapping[str, Any]]
TEAM: Mapping[str, Any] = {
    "staff": [{"id": f"s-{n}", "site": "QEH", "department": "ct", "household": f"h-{n}"} for n in range(12)]
}


def looks(count: int, every: str, begins: str = "0s", **said: Any) -> list[Mapping[str, Any]]:
    """Make looks: ``{n}`` in a word is the number, ``{m}`` the number among twelve people."""
    made = []
    for n in range(count):
        words = {name: word.replace("{n}", str(n)).replace("{m}", str(n % 12)) for name, word in said.items()}
        made.append({"at": span(begins) + n * span(every), "patient": f"p-{n}", "study": f"t-{n}"} | words)
    return made


def ties(kind: str, **said: Any) -> Mapping[str, Any]:
    return {"kind": kind, "ods": "RRK"} | said


CASES: Mapping[str, tuple[Mapping[str, Any], Rows]] = {
    "a major incident: fifty on one patient, called in by name": (
        {"ties": [ties("rota", who="s-{n}", repeat=50)]},
        looks(50, "4m", who="s-{n}", patient="p-1", study="t-1"),
    ),
    "a teaching pull under its project": (
        {"ties": [ties("project", who="s-1", purpose="TRAIN", destination="teaching", limit=100)]},
        looks(60, "1m", who="s-1", kind="export", purpose="TRAIN", destination="teaching"),
    ),
    "a locum week: somebody new reads hundreds of another trust's studies": (
        {"ties": [ties("pool", who="s-loc", ods="RKB")]},
        looks(400, "15m", who="s-loc", ods="RKB", custodian="RKB"),
    ),
    "a pool reshuffle: twelve people begin on another trust's list at once": (
        TEAM | {"ties": [ties("pool", who="s-{n}", repeat=12, ods="RBK", **{"from": "0s"})]},
        looks(300, "5m", who="s-{m}", custodian="RBK"),
    ),
    "a trust that joins: people, sites and patients never seen, a tenth without a reason": (
        {"ties": [ties("worklist", who=f"s-{n % 12}", patient=f"p-{n}") for n in range(300) if n % 10]},
        looks(300, "5m", who="s-{m}", ods="RJC", custodian="RJC", site="WARWICK"),
    ),
    "a bank holiday: nobody for three days, then a full morning": (
        TEAM | {"ties": [ties("worklist", who=f"s-{n % 12}", patient=f"p-{n}") for n in range(200)]},
        [*looks(100, "3m", who="s-{m}"), *looks(200, "1m", "3d", who="s-{m}")],
    ),
    "the night on which the clocks change": (
        TEAM | {"ties": [ties("rota", who="s-{n}", repeat=12)]},
        looks(120, "1m", "624h", who="s-{m}", site="QEH", device="d-{m}", session="y-{m}"),
    ),
    "departments that merge: all have a new one, after a quiet fortnight": (
        TEAM | {"ties": [ties("worklist", who=f"s-{n % 12}", patient=f"p-{n}") for n in range(60)]},
        [*looks(12, "1m", who="s-{m}"), *looks(60, "5m", "14d", who="s-{m}")],
    ),
    "a feed that is silent for six hours": (
        TEAM | {"degraded": [{"from": "-1h", "until": "6h"}], "patients": [{"id": "p-1", "flags": ["vip"]}]},
        [*looks(60, "5m", who="s-{m}"), *looks(12, "5m", who="s-{n}", patient="p-1", study="t-1")],
    ),
    "one of the staff is treated by colleagues": (
        {
            "staff": [*TEAM["staff"], {"id": "s-ill", "patient": "p-ill"}],
            "patients": [{"id": "p-ill", "staff": "s-ill"}],
        }
        | {"ties": [ties("episode", who="s-{n}", repeat=12, patient="p-ill")]},
        looks(24, "1h", who="s-{m}", patient="p-ill"),
    ),
    "a residence: forty live under one key": (
        {"staff": [{"id": "s-1", "household": "h-1"}], "residents": {"h-1": 40}}
        | {"patients": [{"id": f"p-{n}", "household": "h-1"} for n in range(40)]},
        looks(6, "1d", who="s-1"),
    ),
    "a leaver who returns on a rota before the register knows": (
        {"staff": [{"id": "s-1", "leaves_on": BEGAN.date() - timedelta(days=90)}]}
        | {"ties": [ties("rota", who="s-1", **{"from": "-1d"})]},
        looks(40, "10m", who="s-1"),
    ),
    "an AI service whose approved version is rolled out": (
        {
            "manifests": [
                {
                    "service": "ai",
                    "version": v,
                    "modalities": ["CT"],
                    "body_parts": [],
                    "trusts": ["RRK"],
                    "volume": 900,
                }
                for v in (1, 2)
            ]
        },
        [
            row | {"type": "ai_service", "modality": "CT", "device": "node-1", "detail": {"ai_version": "2"}}
            for row in looks(200, "5m", who="ai")
        ],
    ),
    "an emergency department on a bad night: each breaks the glass for two": (
        TEAM,
        [row | {"broke_glass": True} for row in looks(24, "10m", who="s-{m}")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_looks_odd_and_is_not_raises_no_alert(case: str) -> None:
    world, rows = CASES[case]
    here = region(world)
    told = [*sorted(rows, key=lambda row: row["at"]), {"at": span("80d"), "kind": "login", "who": "s-end"}]
    events = [event(number, BEGAN + row["at"], row) for number, row in enumerate(told)]
    found = Scorer(RULES, LittleExplainer(here)).score(events, here, RuleMemory())
    assert [(one.rule_id, one.evidence[0].sentence) for one in found if one.kind is AlertKind.ALERT] == []
