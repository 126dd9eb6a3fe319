"""A tenant's folder: read whole, or refused with everything that is wrong with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from governance.access import Searched
from governance.bootstrap import build
from governance.cli import main
from governance.clock import FixedClock
from governance.errors import ConfigurationError
from governance.settings import Settings
from governance.tenants import read_tenant
from governance.tenants.folder import read_tenants
from tests.worlds.tenants import CERTIFICATION, ROOMS

ROOT = Path(__file__).resolve().parents[3]
HEAD = "package tenants.meeting_rooms\n\nimport rego.v1\n\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the rooms, to be spoilt."""
    return Path(shutil.copytree(ROOMS, tmp_path / "rooms"))


def faults(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as refused:
        read_tenant(folder)
    return [(fault.path.removeprefix(str(folder)), fault.message) for fault in refused.value.faults]


def test_reads_the_rooms_as_they_are_shipped() -> None:
    tenant = read_tenant(ROOMS)
    assert (tenant.name, tenant.clients, tenant.searches) == (
        "meeting_rooms",
        {"explorer", "room-panels"},
        set(Searched),
    )
    assert [one.id for one in tenant.entities[Searched.RESOURCE]] == ["severn", "teme", "trent"]
    assert tenant.policy.facts["terms"]["longest_booking_minutes"] == 240


def test_the_revision_follows_rules_and_data(folder: Path) -> None:
    before = read_tenant(folder).policy.revision
    terms = folder / "data" / "terms.json"
    terms.write_text(terms.read_text().replace("240", "120"))
    changed = read_tenant(folder).policy.revision
    policy = folder / "policy" / "rooms.rego"
    policy.write_text(policy.read_text() + "\nother := 1\n")
    assert len({before, changed, read_tenant(folder).policy.revision}) == 3


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "path", "message"),
    [
        (lambda folder: (folder / "tenant.yaml").unlink(), "/tenant.yaml", "No such file"),
        (write("tenant.yaml", "name: [\n"), "/tenant.yaml", "not valid YAML"),
        (write("tenant.yaml", "- a\n"), "/tenant.yaml", "one object"),
        (lambda folder: shutil.rmtree(folder / "policy"), "", "no policies"),
        (write("policy/bad.rego", HEAD + "broken if {\n"), "/policy/bad.rego", "does not compile"),
        (write("policy/bad.rego", "package imaging.decision\n"), "/policy/bad.rego", "must be of the package"),
        (write("policy/bad.rego", "package tenants.meeting_rooms_too\n"), "/policy/bad.rego", "must be of the package"),
        (write("policy/bad.rego", HEAD + "x := data.governance.clauses\n"), "/policy/bad.rego#line 5", "only"),
        (write("policy/bad.rego", HEAD + 'x := data["governance"]\n'), "/policy/bad.rego#line 5", "only"),
        (write("policy/bad.rego", HEAD + "import data as d\n"), "/policy/bad.rego#line 5", "only"),
        (write("policy/bad.rego", HEAD + "x := data.tenant_data.other\n"), "/policy/bad.rego#line 5", "only"),
        (write("policy/bad.rego", HEAD + "x := http.send({})\n"), "/policy/bad.rego#line 5", "may not call http.send"),
        (
            write("policy/bad.rego", HEAD + 'x := http["send"]({})\n'),
            "/policy/bad.rego#line 5",
            "may not call http.send",
        ),
        (
            write("policy/bad.rego", HEAD + 'x := opa["runtime"]()\n'),
            "/policy/bad.rego#line 5",
            "may not call opa.runtime",
        ),
        (
            write("policy/bad.rego", HEAD + "x if { count([1]) with count as http.send }\n"),
            "/policy/bad.rego#line 5",
            "may not replace count",
        ),
        (write("policy/bad.rego", HEAD + "x := opa . runtime()\n"), "/policy/bad.rego", "does not compile"),
        (write("data/terms.yaml", "terms: {}\n"), "/data/terms.yaml#/terms", "another file"),
        (write("data/more.json", '{"revision": 1}'), "/data/more.json#/revision", "keeps for itself"),
        (write("data/more.json", "{"), "/data/more.json", "not valid JSON (line 1)"),
        (write("data/more.yaml", "day: 2026-11-24\n"), "/data/more.yaml", "dates in quotes"),
        (
            write("data/entities.yaml", "entities: {subjects: [{type: a}]}\n"),
            "/data#/entities/subjects/0/id",
            "required",
        ),
        (
            write("data/entities.yaml", "entities: {actions: [{name: a}, {name: a}]}\n"),
            "/data#/entities/actions",
            "twice",
        ),
        (write("data/entities.yaml", "entities: {}\n"), "/tenant.yaml#/search", "the data has no entities/actions"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_place(
    folder: Path, spoil: Callable[[Path], object], path: str, message: str
) -> None:
    spoil(folder)
    found = faults(folder)
    assert any(where == path and message in told for where, told in found), found


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("name: meeting_rooms", "name: Meeting-Rooms", "/tenant.yaml#/name", "pattern"),
        ("clients: [explorer, room-panels]", "clients: []", "/tenant.yaml#/clients", "at least 1"),
        ("clients: [explorer, room-panels]", "cleints: [x]", "/tenant.yaml#/cleints", "not permitted"),
        ("rooms.answer", "rooms.nothing", "/tenant.yaml#/entrypoint", "no module has"),
        ("data.tenants.meeting_rooms.answer", "data.imaging.decision.answer", "/tenant.yaml#/entrypoint", "below"),
        ("[action, resource", "[flying, resource", "/tenant.yaml#/search", "may hold"),
    ],
)
def test_what_is_wrong_with_the_manifest_is_named(folder: Path, old: str, new: str, path: str, message: str) -> None:
    manifest = folder / "tenant.yaml"
    manifest.write_text(manifest.read_text().replace(old, new))
    found = faults(folder)
    assert any(where == path and message in told for where, told in found), found


def test_every_fault_is_told_at_once(folder: Path) -> None:
    (folder / "tenant.yaml").unlink()
    (folder / "data" / "more.json").write_text("{")
    shutil.rmtree(folder / "policy")
    assert len(faults(folder)) == 3


def test_words_in_strings_and_comments_are_no_names(folder: Path) -> None:
    more = HEAD + '# data.governance, http.send(\nx := "data.governance and http.send("\n\ny := input.data.governance\n'
    (folder / "policy" / "more.rego").write_text(more)
    assert read_tenant(folder).name == "meeting_rooms"


def test_two_tenants_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="another tenant"):
        read_tenants([str(ROOMS), str(CERTIFICATION), str(ROOMS)])


def test_a_service_does_not_start_with_a_bad_tenant(settings: Settings, folder: Path, clock: FixedClock) -> None:
    (folder / "tenant.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"tenant\.yaml: No such file"):
        build(settings.replaced(tenants=(str(folder),)), clock)


@pytest.mark.peer
def test_the_command_refuses_what_opa_refuses(folder: Path, opa: str) -> None:
    (folder / "policy" / "more.rego").write_text(HEAD + "x := count(1)\n")
    assert read_tenant(folder).name == "meeting_rooms"  # the embedded engine would find out when it is asked
    refused = CliRunner().invoke(main, ["check-tenant", str(folder)])
    assert refused.exit_code == 1
    assert "invalid argument" in refused.output
    assert opa


def test_the_command_says_when_there_is_no_opa_to_ask(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    told = CliRunner().invoke(main, ["check-tenant", str(folder)])
    assert told.exit_code == 0
    assert "OPA was not asked" in told.output


def test_the_command_says_what_a_service_would(folder: Path) -> None:
    good = CliRunner().invoke(main, ["check-tenant", str(folder)])
    assert good.exit_code == 0
    assert "It can be served: 1 policy files; 3 actions, 3 resources, 4 subjects" in good.output
    (folder / "tenant.yaml").unlink()
    (folder / "data" / "more.json").write_text("{")
    bad = CliRunner().invoke(main, ["check-tenant", str(folder)])
    assert bad.exit_code == 1
    assert "tenant.yaml: No such file" in bad.output
    assert "more.json: is not valid JSON (line 1)" in bad.output


@pytest.mark.parametrize(
    ("body", "told"),
    [("x if { y }\n", "use of undefined variable `y` is unsafe"), ("x if {\n", "expecting expression")],
    ids=["compiler", "parser"],
)
def test_what_an_engine_says_is_its_words_and_not_its_stack(folder: Path, body: str, told: str) -> None:
    """In a process of its own: whether stacks are taken is read once in each."""
    write("policy/bad.rego", HEAD + body)(folder)
    command = [sys.executable, "app.py", "check-tenant", str(folder)]
    environment = os.environ | {"RUST_BACKTRACE": "1"}
    asked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 1
    assert told in asked.stderr
    assert "backtrace" not in asked.stderr
    assert len(asked.stderr.splitlines()) == 2
