"""What the code offers is written down, and what is written down is there: settings, metrics, paths."""

import re
from pathlib import Path

import pytest

from governance.settings import PREFIX, Settings, markdown
from governance.telemetry import Metrics, Snapshot

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "settings.md"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_and_documented(name: str) -> None:
    """A new setting touches two files: its declaration, and the page that `make docs` writes from it."""
    rows = re.findall(rf"^\| `{PREFIX}{name.upper()}` \| (.+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert [meaning for meaning, _, _ in rows] == [Settings.model_fields[name].description]


def test_the_page_of_the_settings_is_the_one_that_make_docs_writes() -> None:
    assert PAGE.read_text() == markdown()


@pytest.mark.parametrize(
    ("name", "values", "default"),
    [
        ("PROFILE", "`production` or `demo`", "`production`"),
        ("ISSUER", "URL without query, fragment or closing slash", "required"),
        ("OPA_URL", "URL without user, password or path, or `unix:` and a path", "unset"),
        ("TENANTS", "paths, separated by commas", "unset"),
        ("CLIENT_SECRET_BASIC", "`on` or `off`", "`off`"),
        ("ENGINE_TIMEOUT", "number, 0.01 to 60", "`0.5`"),
        ("SYSLOG_PORT", "whole number, 1 to 65535", "unset"),
    ],
)
def test_the_page_says_what_each_setting_may_be_and_is(name: str, values: str, default: str) -> None:
    assert re.search(rf"^\| `{PREFIX}{name}` \| .+ \| {values} \| {default} \|$", markdown(), re.MULTILINE)


def test_every_metric_is_documented() -> None:
    metrics = Metrics()
    metrics.watch(lambda: Snapshot(0, 0, 0.0, 0), "test")
    exposed = {family.name for family in metrics.registry.collect() if family.name.startswith("governance_")}
    documented = set(
        re.findall(r"^\| `(governance_[a-z_]+?)(?:_total)?` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    )
    assert exposed == documented


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """A path in code marks begins with a folder of ours and names a file or ends in a slash; the changelog is past."""
    folders = {folder.name for base in (ROOT, ROOT / "governance") for folder in base.iterdir() if folder.is_dir()}
    named = set(re.findall(r"`([\w.-]+/[\w./*-]*)`", page.read_text())) if page.name != "CHANGELOG.md" else set()
    paths = {path for path in named if path.partition("/")[0] in folders and ("." in path or path.endswith("/"))}
    assert {path for path in paths if not _exists(path)} == set()


def _exists(path: str) -> bool:
    """Say whether a path, a pattern of paths or a function of a module is there."""
    spelled = (path, path.rpartition(".")[0] + ".py")
    return any(any(base.glob(one)) for one in spelled for base in (ROOT, ROOT / "governance"))
