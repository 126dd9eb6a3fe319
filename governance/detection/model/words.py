"""The finding of a person's day, in an officer's words: what was seen, what is usual, how many that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.alerts import Evidence, Finding, Party
from governance.detection import acts
from governance.detection.model.calibration import ENOUGH
from governance.detection.model.likeness import ASSUMPTIONS
from governance.detection.rule import Rule
from governance.vocabulary import Capacity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAID = {
    ("household", "same"): "The patient lives in the same household as the person.",
    ("coworker", "team"): "The patient is staff and works in the same team as the person.",
    ("coworker", "department"): "The patient is staff and works in the same department as the person.",
    ("coworker", "trust"): "The patient is staff of the same trust as the person.",
    ("coworker", "elsewhere"): "The patient is staff of another trust.",
    ("surname", "rare"): "The two have the same surname, which very few people have.",
    ("surname", "uncommon"): "The two have the same surname, which few people have.",
    ("surname", "frequent"): "The two have the same surname, a fairly frequent one.",
    ("surname", "common"): "The two have the same surname, a common one.",
    ("postcode", "same"): "The two live in the same small area.",
    ("flag", "watched"): "The record is watched: a public person's, or an incident's.",
    ("flag", "dead"): "The patient has died.",
    ("care", "nobody"): "Nobody else with a reason looked at the patient within a week.",
    ("care", "elsewhere"): "Only people of other trusts had a reason to look at the patient within a week.",
    ("care", "trust"): "Nobody of the person's department had a reason to look at the patient within a week.",
    ("pair", "new"): "The person had not worked with that trust's images in the last 90 days.",
    ("pair", "usual"): "The images are another trust's.",
    ("age", "month"): "The study was some days old.",
    ("age", "older"): "The study was more than a month old.",
    ("hours", "odd"): "Few people in that role work at that hour.",
}


def finding(rule: Rule, row: Sequence[Any], day: int, chance: float, sample: int) -> Finding:
    """Write the finding of a person's day.

    Args:
        rule: whose finding it is.
        row: the day as the night keeps it.
        day: days since 1970.
        chance: of such a day among clean ones.
        sample: how many clean days that rests on.
    """
    who, role, ods, total, told = row
    patient, indexes, parts, count, month, custodians = told
    serial = bool(parts) and parts[0][0] == "pace"
    at = _EPOCH + timedelta(days=day + 1)
    shown = [_evidence(sample, *part) for part in parts if tuple(part[:2]) in _SAID and part[2] > 0]
    if any(part[0] == "pace" for part in parts):
        bits = next(part[2] for part in parts if part[0] == "pace")
        sentence = (
            f"In four weeks the person looked at {month} patients without a recorded reason, "
            "far more than others in that role and trust."
        )
        shown.insert(0, Evidence("pace", month, None, sample, bits, sentence))
    looks = "one look" if count == 1 else f"{count} looks"
    first = Evidence(
        "unexplained_day",
        count,
        None,
        sample,
        round(total, 1),
        f"{looks[0].upper()}{looks[1:]} by {acts.spoken(role)} on one day had no recorded reason, and taken together "
        f"they are unlike the days of others: about {_odds(chance)}{_compared(sample)}.",
    )
    return Finding(
        rule_id=rule.id,
        family=rule.family,
        severity=rule.severity,
        subject=who,
        about=ods if serial else patient,
        occurred_at=at,
        evidence=(first, *shown),
        events=tuple(indexes),
        patient=None if serial else patient,
        subjects=(who,),
        trusts=tuple(sorted({ods, *custodians})),
        parties=(Party(ods, Capacity.EMPLOYER), *(Party(one, Capacity.CONTROLLER) for one in custodians)),
        key=f"{rule.id}|{who}|{day}",
    )


def _evidence(sample: int, trait: str, kind: str, bits: float) -> Evidence:
    usual = ASSUMPTIONS[trait].usual.get(kind)
    return Evidence(f"{trait}_{kind}", 1, usual, sample, bits, _SAID[(trait, kind)])


def _odds(chance: float) -> str:
    return f"one in {max(round(1 / chance), 1):,}"


def _compared(sample: int) -> str:
    """Say what the odds rest on."""
    if sample < ENOUGH:
        return ", by what is known from elsewhere: too few days were seen here to compare with"
    return f", by {sample:,} days compared"
