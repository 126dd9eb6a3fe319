"""The agreements commands: from a file to an agreement in force, on the host."""

import json
import stat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from governance.cli import main
from governance.commands._context import services
from governance.federation import Trust
from tests.worlds.agreements import document
from tests.worlds.basics import secret


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "GOVERNANCE_PROFILE": "demo",
        "GOVERNANCE_ISSUER": "http://127.0.0.1:8080",
        "GOVERNANCE_ORGANISATION": "QHL",
        "GOVERNANCE_DATABASE_URL": f"sqlite:///{tmp_path}/cli.sqlite",
        "GOVERNANCE_PSEUDONYM_KEY": secret(1),
        "GOVERNANCE_KEY_ENCRYPTION_KEY": secret(2),
        "GOVERNANCE_LOG_SIGNING_KEY": secret(3),
        "GOVERNANCE_SESSION_KEY": secret(4),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    register_trusts()


def register_trusts() -> None:
    """Make the schema, and put the parties of the documents into the federation of the database that is set."""
    migrated = CliRunner().invoke(main, ["migrate"])
    assert migrated.exit_code == 0, migrated.output
    with services() as made, made.infrastructure.database.transaction() as session:
        for ods in ("RKB", "RRK"):
            made.registers.federation.register_trust(session, Trust(ods, f"Trust {ods}"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["agreements", *map(str, arguments)])


def written(path: Path, *documents: dict[str, object]) -> Path:
    path.write_text(json.dumps(documents) if path.suffix == ".json" else yaml.safe_dump_all(documents))
    return path


def running() -> dict[str, object]:
    """Give a document that is in force on whatever day the test runs."""
    return document(effective={"from": "2020-01-01", "to": "2199-12-31"})


def test_every_fault_of_every_file_is_named(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.yaml", document({"/version": 0}), document({"/dpia": ""}))
    worse = written(tmp_path / "worse.json", document({"/title": ""}))
    result = run("validate", bad, worse, written(tmp_path / "good.yaml", document()))
    assert result.exit_code == 1
    for named in (f"{bad}#/0/version: ", f"{bad}#/1/dpia: ", f"{worse}#/title: "):
        assert named in result.output
    assert "Not every agreement is valid" in result.output


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"\xff\xfe")
    torn = tmp_path / "torn.yaml"
    torn.write_text("id: [")
    result = run("load", broken, torn)
    assert result.exit_code == 1
    assert f"{broken}: is not UTF-8" in result.output
    assert f"{torn}: line 1" in result.output


def test_nothing_is_half_loaded(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "a.yaml", document()), written(tmp_path / "b.yaml", document({"/dpia": ""}, id="b"))
    assert run("load", good, bad).exit_code == 1
    assert run("list").output == ""


def test_from_a_file_to_an_agreement_in_force(tmp_path: Path) -> None:
    assert run("validate", written(tmp_path / "a.yaml", running())).output == "1 valid\n"
    assert run("load", tmp_path / "a.yaml").output == (
        "two-trusts\t1\tdraft, no valid signature of RKB, RRK\tto 2199-12-31\n"
    )
    for ods in ("RRK", "RKB"):
        key = tmp_path / f"{ods}.pem"
        assert "BEGIN PUBLIC KEY" in run("new-key", key).output
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        signed = run("sign", "two-trusts", 1, "--key", key, "--ods", ods, "--name", "A", "--role", "Guardian")
        assert signed.exit_code == 0, signed.output
    assert "\tactive\t" in run("activate", "two-trusts", 1).output
    shown = run("show", "two-trusts").output
    assert "Status: active." in shown
    assert "Signed for RRK by A, Guardian" in shown
    assert json.loads(run("show", "two-trusts", "--text").output) == running()
    assert "\tsuspended\t" in run("suspend", "two-trusts", 1, "--reason", "an incident").output
    assert run("list", "--status", "active").output == ""
    assert run("list", "--ods", "RKB").output.startswith("two-trusts\t1\tsuspended")
    assert "\tterminated\t" in run("terminate", "two-trusts", 1, "--reason", "the end").output
    refused = run("activate", "two-trusts", 1)
    assert refused.exit_code == 1
    assert "agreement.illegal_transition" in refused.output


def test_a_wrong_key_file_is_named(tmp_path: Path) -> None:
    run("load", written(tmp_path / "a.yaml", running()))
    key = tmp_path / "key.pem"
    key.write_text("no key")
    result = run("sign", "two-trusts", 1, "--key", key, "--ods", "RRK", "--name", "A", "--role", "B")
    assert result.exit_code == 1
    assert f"{key}: must be a private key in PEM" in result.output


def test_a_register_moves_to_another_service_with_its_signatures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("load", written(tmp_path / "a.yaml", running()))
    for ods in ("RRK", "RKB"):
        run("new-key", tmp_path / f"{ods}.pem")
        who = ("--ods", ods, "--name", f"Guardian of {ods}", "--role", "Caldicott Guardian")
        assert run("sign", "two-trusts", 1, "--key", tmp_path / f"{ods}.pem", *who).exit_code == 0
    run("load", written(tmp_path / "b.yaml", running() | {"version": 2}))
    whole = run("export").output
    for name in ("all.yaml", "all.json", "all.ndjson"):
        assert run("export", "--output", tmp_path / name).output == ""
    assert (tmp_path / "all.yaml").read_text() == whole
    assert run("export", "--output", tmp_path / "all.yaml").exit_code == 1
    assert run("validate", tmp_path / "all.ndjson").output == "2 valid\n"
    assert whole == run("export", "two-trusts", "--all-versions").output
    (first,) = json.loads(run("export", "two-trusts", "--version", 1, "--format", "json").output)
    assert [line["ods"] for line in first["signatures"]] == ["RKB", "RRK"]
    assert run("export", "--version", 1).exit_code == 2
    for name in ("all.yaml", "all.json", "all.ndjson"):
        monkeypatch.setenv("GOVERNANCE_DATABASE_URL", f"sqlite:///{tmp_path}/{name}.sqlite")
        assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
        assert "parties/0/ods: is no organisation of the federation" in run("load", tmp_path / name).output
        register_trusts()
        arrived = run("load", tmp_path / name).output.splitlines()
        assert arrived == [
            "two-trusts\t1\tsigned\tto 2199-12-31",
            "two-trusts\t2\tdraft, no valid signature of RKB, RRK\tto 2199-12-31",
        ]
        assert run("export").output == whole
