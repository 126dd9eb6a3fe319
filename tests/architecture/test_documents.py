"""What the code offers is written down: every setting and every metric is in ``docs/``."""

import re
from dataclasses import fields
from pathlib import Path

from governance.settings import DESCRIPTIONS, PREFIX, Settings
from governance.telemetry import Metrics, Snapshot

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_setting_is_described_and_documented() -> None:
    assert {field.name for field in fields(Settings)} == set(DESCRIPTIONS)
    text = (DOCS / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `(GOVERNANCE_[A-Z_]+)` \| (.*?) \|", text, re.MULTILINE))
    assert rows.keys() == {PREFIX + name.upper() for name in DESCRIPTIONS}
    for name, description in DESCRIPTIONS.items():
        assert rows[PREFIX + name.upper()] == description


def test_every_metric_is_documented() -> None:
    metrics = Metrics()
    metrics.watch(lambda: Snapshot(0, 0, 0.0, 0), "test")
    exposed = {family.name for family in metrics.registry.collect() if family.name.startswith("governance_")}
    documented = set(
        re.findall(r"^\| `(governance_[a-z_]+?)(?:_total)?` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    )
    assert exposed == documented
