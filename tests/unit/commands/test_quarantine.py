"""The quarantine commands: what waits is counted without being shown, and read again once its sender is known."""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.audit import RecordedEvent
from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import FixedClock
from governance.commands.quarantine import BATCH
from governance.edges import DECISION_LOG
from governance.edges.log import entries_of
from governance.formats import Frame
from governance.formats.syslog import Framing
from governance.intake import Sender
from governance.intake.syslog import take_frames
from governance.jobs import Runtime
from governance.settings import Settings, from_environment
from governance.vocabulary import EventKind
from tests.worlds.audit_messages import NHS, READER, STUDY, event, message, patient, source, study
from tests.worlds.basics import NOON, secret
from tests.worlds.intake import intake_at

HEADER = b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "
UNKNOWN = "AuditEnterpriseSiteID: names no registered trust, and the sender is registered for none"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
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
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    return values


@pytest.fixture
def opened(environment: dict[str, str]) -> Iterator[Services]:
    """Open the services on the database of the commands, as the server beside them does."""
    settings: Settings = from_environment(environment)
    services = build(settings, FixedClock(NOON))
    runtime = Runtime(services)
    runtime.start(jobs=False)
    yield services
    runtime.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["quarantine", *arguments])


def received(services: Services, *sources: str) -> None:
    """Take messages that name no trust, one from each source."""
    past = "2020-01-05T10:00:00Z"  # the commands have the machine's clock
    messages = [
        message(event("110103", time=past), READER, source(site=None, name=name), study(), patient())
        for name in sources
    ]
    taken(services, *(HEADER + each for each in messages))


def taken(services: Services, *frames: bytes) -> None:
    take_frames(services.uses.intake)([Frame(each, Framing.OCTETS) for each in frames], "10.1.2.3")


def test_an_empty_quarantine_says_so() -> None:
    assert run("list").output == "0 waiting\n"
    assert run("retry", "--quiet").output.endswith("0 recorded, 0 still waiting\n")


def test_what_waits_is_counted_by_reason_and_not_shown(opened: Services) -> None:
    received(opened, "vna-1", "vna-2")
    taken(opened, b"hello " + NHS.encode())
    result = run("list")
    assert result.exit_code == 0, result.output
    first, second, third = result.output.splitlines()
    assert first == "3 waiting"
    assert second.split()[:5] == ["2", "syslog", "2026-11-24", "to", "2026-11-24"]
    assert second.endswith(UNKNOWN)
    assert third.endswith("does not begin with a syslog priority")
    assert not [each for each in (NHS, STUDY, "jdoe", "vna-1", "10.1.2.3") if each in result.output]
    assert len(run("list", "--limit", "1").output.splitlines()) == 2


def test_messages_are_read_again_once_their_sender_is_known(opened: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = [f"stranger-{number}" for number in range(BATCH)]  # more than the command reads at once
    received(opened, *strangers, "vna-1", "vna-2")
    assert run("retry").output.endswith(f"0 recorded, {BATCH + 2} still waiting\n")
    monkeypatch.setenv("GOVERNANCE_SYSLOG_SENDERS", "vna-1=RRK,vna-2=RKB")
    result = run("retry")
    assert result.exit_code == 0, result.output
    assert result.output.endswith(f"2 recorded, {BATCH} still waiting\n")
    sources = [each.source for each in opened.infrastructure.audit.read(0, 100) if each.kind is EventKind.ACCESS]
    assert [(each.id, each.ods) for each in sources] == [("vna-1", "RRK"), ("vna-2", "RKB")]


def test_entries_of_an_edge_are_counted_and_read_again_beside_the_others(
    environment: dict[str, str], opened: Services
) -> None:
    received(opened, "vna")
    early = intake_at(opened, FixedClock(datetime(2020, 1, 1, tzinfo=UTC)))
    entry = {"decision_id": "d-1", "path": "imaging/decision/answer", "timestamp": "2020-02-01T00:00:00Z", "input": {}}
    taken = early.take(DECISION_LOG, entries_of([entry, entry | {"decision_id": 7}]), Sender("edge-a", "RRK"))
    assert (taken.tally.accepted, taken.quarantined) == (0, 2)
    shown = run("list").output
    assert shown.startswith("3 waiting")
    assert shown.count("  opa  ") == 2
    done = run("retry", "--quiet")
    assert done.output.strip() == "1 recorded, 2 still waiting"
    (event,) = [event for event in opened.infrastructure.audit.read(0, 100) if event.kind is EventKind.DECISION]
    assert (event.source.id, event.authority.decision_id) == ("edge-a", "d-1")


def recorded(services: Services, kind: EventKind) -> list[RecordedEvent]:
    return [event for event in services.infrastructure.audit.read(0, 1_000) if event.kind is kind]


def test_one_message_is_shown_as_it_came_and_the_look_is_recorded(opened: Services) -> None:
    taken(opened, b"hello " + NHS.encode() + b"\x1b[2J\xff", b"second")
    listed = run("show")
    assert [line.split()[:3] for line in listed.output.splitlines()] == [
        ["1", "syslog", "10.1.2.3"],
        ["2", "syslog", "10.1.2.3"],
    ]
    assert NHS not in listed.output
    assert recorded(opened, EventKind.AUDIT_READ) == []
    shown = run("show", "1")
    assert shown.exit_code == 0, shown.output
    assert shown.output.endswith(f"hello {NHS}\\x1b[2J\\xff\n"), "nothing that could steer a terminal"
    (look,) = recorded(opened, EventKind.AUDIT_READ)
    assert look.detail == {"act": "quarantine_show", "message": 1, "source": "10.1.2.3"}
    assert look.subject is not None
    assert run("show", "3").output == "Error: No message 3 waits. (quarantine.unknown)\n"


def test_messages_are_taken_away_into_a_private_file_and_go_on_waiting(opened: Services, tmp_path: Path) -> None:
    taken(opened, b"one", b"two")
    file = tmp_path / "out.ndjson"
    done = run("export", str(file), "--source", "10.1.2.3")
    assert (done.exit_code, done.output) == (0, f"2 written to {file}\n")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["number"], base64.b64decode(row["raw"])) for row in rows] == [(1, b"one"), (2, b"two")]
    assert file.stat().st_mode & 0o777 == 0o600
    (taking,) = recorded(opened, EventKind.AUDIT_READ)
    assert taking.detail == {"act": "quarantine_export", "messages": 2, "source": "10.1.2.3"}
    assert opened.uses.quarantine.waiting() == 2
    assert run("export", str(file)).output == f"Error: {file} is there already.\n"
    assert run("export", str(tmp_path / "none"), "--carrier", "opa").output.startswith("0 written")


def test_messages_are_discarded_with_a_reason_and_named_in_the_log(opened: Services) -> None:
    taken(opened, b"one", b"two", b"three")
    assert run("discard", "1", "--yes").exit_code == 2, "a reason is needed"
    assert run("discard", "--because", "x", "--yes").exit_code == 2, "nothing is chosen"
    assert run("discard", "1", "--all", "--because", "x", "--yes").exit_code == 2
    assert run("discard", "1", "--source", "a", "--because", "x", "--yes").exit_code == 2
    done = run("discard", "1", "3", "7", "--because", "sent by mistake", "--yes")
    assert done.output == "2 discarded, 1 still waiting\n"
    (event,) = recorded(opened, EventKind.CONFIG)
    assert event.detail["because"] == "sent by mistake"
    assert [(one["message"], one["sha256"]) for one in event.detail["messages"]] == [
        (1, hashlib.sha256(b"one").hexdigest()),
        (3, hashlib.sha256(b"three").hexdigest()),
    ]
    asked = CliRunner().invoke(main, ["quarantine", "discard", "--all", "--because", "all of it"], input="n\n")
    assert asked.exit_code == 1
    assert "Discard 1 messages for good?" in asked.output
    assert run("discard", "--all", "--source", "elsewhere", "--because", "x", "--yes").output.startswith(
        "0 discarded, 1"
    )
    assert run("discard", "--all", "--because", "x", "--yes").output == "1 discarded, 0 still waiting\n"


@pytest.mark.parametrize("command", ["list", "retry", "show", "export", "discard"])
def test_every_command_says_what_it_does(command: str) -> None:
    told = run(command, "--help")
    assert told.exit_code == 0
    assert told.output.startswith("Usage: ")
