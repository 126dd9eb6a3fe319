"""Forgetting a person by the command line: two operators, what forbids it, and what is left on every process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.alerts import Viewer
from governance.audit import Query, checkpoint, merkle
from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import SystemClock
from governance.federation import StaffMember
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.storage import Database
from governance.vocabulary import EventKind, Verdict
from tests.worlds.alerts import act, finding
from tests.worlds.basics import demo_environment

ROOT = Path(__file__).resolve().parents[3]
PATIENT, OTHER, NIA = "9990000018", "9990000026", "nia"
OFFICER = Viewer("s-officer", "RRK", person=True)
pytestmark = pytest.mark.timeout(120)


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=typed)


def done(*arguments: str, typed: str | None = None) -> str:
    result = run(*arguments, typed=typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str, typed: str | None = None) -> str:
    """Run what must be refused in a line or two; gives what was said."""
    result = run(*arguments, typed=typed)
    assert result.exit_code == 1, result.output
    assert len(result.output.strip().splitlines()) <= 2
    assert PATIENT not in result.output
    return result.output


@contextmanager
def running(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Run a service beside the commands, with two operators; it has recorded two looks by NIA."""
    for name, value in demo_environment(database.url).items():
        monkeypatch.setenv(name, value)
    pairs = [done("restore-fence", "new-key", name, str(tmp_path / name)).strip() for name in ("ada", "ben")]
    monkeypatch.setenv("GOVERNANCE_OPERATORS", ",".join(pairs))
    made = build(from_environment(os.environ), SystemClock())
    runtime = Runtime(made)
    runtime.start(jobs=False)
    made.infrastructure.audit.append([act("a-0", patient=PATIENT, study="1.2.3"), act("a-1", patient=OTHER)])
    yield made
    runtime.stop()


@pytest.fixture
def service(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    with running(sqlite_database, tmp_path, monkeypatch) as made:
        yield made


def statement(tmp_path: Path, kind: str = "--patient", typed: str = PATIENT) -> Path:
    """Write the statement that asks for somebody's erasure."""
    path = tmp_path / "statement"
    path.write_text(done("persons", "statement", kind, "--reason", "Request of 3 November", typed=f"{typed}\n"))
    return path


def approvals(tmp_path: Path, asked: Path, *names: str) -> list[str]:
    """Let operators sign a statement, each on a machine of their own; gives the options of the command that does it."""
    options = []
    for number, name in enumerate(names):
        path = tmp_path / f"approval-{number}"
        arguments = ["persons", "approve", str(asked), "--name", name, "--key", str(tmp_path / name)]
        signed = CliRunner(env={"GOVERNANCE_OPERATORS": None}).invoke(main, arguments)
        assert signed.exit_code == 0, signed.output
        path.write_text(signed.stdout)
        options += ["--approval", str(path)]
    return options


def raised(service: Services) -> tuple[str, str]:
    """Raise an alert about NIA's look at the patient; gives its id and NIA's pseudonym."""
    pseudonymiser = service.infrastructure.pseudonymiser
    subject, patient = pseudonymiser.subject(NIA), pseudonymiser.patient(PATIENT)
    found = finding(subject=subject, subjects=(subject,), about=patient, patient=patient, trusts=("RRK",), events=(0,))
    with service.infrastructure.database.transaction() as session:
        (answer,) = service.uses.alerts.raise_findings(session, [found])
    return answer.alert, subject


def test_a_key_of_somebody_else_signs_nothing_where_the_operators_are_known(
    service: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = statement(tmp_path)
    ada, ben = str(tmp_path / "ada"), str(tmp_path / "ben")
    said = refused("persons", "approve", str(asked), "--name", "ben", "--key", ada)
    assert "--key: is not this operator's in GOVERNANCE_OPERATORS" in said
    assert "--name: is no operator" in refused("persons", "approve", str(asked), "--name", "eve", "--key", ada)
    done("persons", "approve", str(asked), "--name", "ben", "--key", ben)
    monkeypatch.delenv("GOVERNANCE_OPERATORS")  # as on a machine of their own, where nothing can be known
    done("persons", "approve", str(asked), "--name", "ben", "--key", ada)


@pytest.mark.parametrize("command", [("persons", "statement"), ("holds", "set")], ids=" ".join)
def test_digits_that_are_no_nhs_number_are_nobody(service: Services, command: tuple[str, ...]) -> None:
    said = refused(*command, "--patient", "--reason", "Request", typed="123\n")
    assert "--patient: an NHS number is ten digits" in said


def test_two_operators_erase_a_person_while_the_service_runs(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(database, tmp_path, monkeypatch) as service:
        log, pseudonym = service.infrastructure.audit, service.infrastructure.pseudonymiser.patient(PATIENT)
        alert, _ = raised(service)
        before = log.entry_bytes(0)
        asked = statement(tmp_path, typed="999 000 0018")
        signed = approvals(tmp_path, asked, "ada", "ben")
        assert pseudonym in done("persons", "erase", str(asked), *signed, "--dry-run")
        assert service.uses.alerts.unmask(OFFICER, alert, "Review").patient == PATIENT
        command = [sys.executable, "app.py", "persons", "erase", str(asked), *signed]
        erased = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert erased.returncode == 0, erased.stderr
        assert erased.stdout.startswith(f"The data key of {pseudonym} is destroyed; entry ")
        shown = service.uses.alerts.unmask(OFFICER, alert, "Review")  # by a process that opened it a moment before
        assert (shown.subject, shown.patient) == (NIA, None)
        assert log.reveal(log.entry(1)).patient == OTHER
        (again,) = [receipt.index for receipt in log.append([act("a-2", patient=PATIENT)])]
        assert log.entry(again).resource.patient == pseudonym
        assert (log.reveal(log.entry(again)).patient, log.reveal(log.entry(again)).subject) == (None, NIA)
        log.sign_checkpoint()
        proof = log.proof(0)
        assert log.entry_bytes(0) == before
        root = checkpoint.parse(proof.checkpoint).checkpoint.root
        assert merkle.verify_inclusion(merkle.leaf_hash(before), 0, proof.size, proof.hashes, root)
        checked = run("verify-log", "--quiet")
        assert checked.exit_code == 0, checked.output
        assert "This person was erased before. (erasure.done)" in refused("persons", "erase", str(asked), *signed)


def test_the_record_names_who_approved_and_nobody_in_the_clear(service: Services, tmp_path: Path) -> None:
    asked = statement(tmp_path)
    assert PATIENT not in asked.read_text()
    done("persons", "erase", str(asked), *approvals(tmp_path, asked, "ada", "ben"))
    audit = service.infrastructure.audit
    (record,) = [event for event in audit.read(0, 100) if "erased" in event.detail]
    assert record.kind is EventKind.CONFIG
    assert record.detail["erased"] == service.infrastructure.pseudonymiser.patient(PATIENT)
    assert record.detail["approved_by"] == ["ada", "ben"]
    said = b"".join(audit.entry_bytes(index) for index in range(audit.tree_head()[0])).decode()
    for secret in (PATIENT, "November"):
        assert secret not in said


def test_one_operator_twice_or_a_stranger_or_other_words_are_not_two(service: Services, tmp_path: Path) -> None:
    asked = statement(tmp_path)
    erase = ("persons", "erase", str(asked))
    done("restore-fence", "new-key", "eve", str(tmp_path / "eve"))
    for names, word in (
        (("ada",), "two different"),
        (("ada", "ada"), "two different"),
        (("ada", "eve"), "/approval/1"),
    ):
        assert word in refused(*erase, *approvals(tmp_path, asked, *names))
    signed = approvals(tmp_path, asked, "ada", "ben")
    other = service.infrastructure.pseudonymiser.patient(OTHER)
    asked.write_text(asked.read_text().replace(service.infrastructure.pseudonymiser.patient(PATIENT), other))
    for dry in ((), ("--dry-run",)):
        assert "is not an operator's signature on this statement" in refused(*erase, *signed, *dry)
    asked.write_text("Erase everybody.\n")
    assert "is not a statement of this command" in refused(*erase, *signed)
    log = service.infrastructure.audit
    assert (log.reveal(log.entry(0)).patient, log.reveal(log.entry(1)).patient) == (PATIENT, OTHER)


def test_an_approval_of_one_thing_is_asked_for_by_its_own_command(
    service: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = statement(tmp_path)
    key = ("--name", "ada", "--key", str(tmp_path / "ada"))
    assert "is not a statement of this command" in refused("restore-fence", "approve", str(asked), *key)
    fence = tmp_path / "fence"
    fence.write_text("imaging-governance restore fence v1\n")
    assert "is not a statement of this command" in refused("persons", "approve", str(fence), *key)
    assert "The key cannot be read" in refused("persons", "approve", str(asked), "--name", "ada", "--key", str(fence))
    signed = approvals(tmp_path, asked, "ada", "ben")
    monkeypatch.delenv("GOVERNANCE_OPERATORS")
    assert "GOVERNANCE_OPERATORS: names nobody" in refused("persons", "erase", str(asked), *signed)


def test_a_hold_on_the_person_or_on_a_case_forbids_it(service: Services, tmp_path: Path) -> None:
    alert, _ = raised(service)
    asked = statement(tmp_path)
    signed = approvals(tmp_path, asked, "ada", "ben")
    service.uses.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "fine")
    holds = [
        (("holds", "set", "--patient", "--reason", "A claim"), f"{PATIENT}\n", "on this person"),
        (("holds", "set", "--case", alert, "--reason", "An inquiry"), None, "on a case that names this person"),
    ]
    for command, typed, word in holds:
        done(*command, typed=typed)
        for attempt in (("erase", str(asked), *signed), ("erase", str(asked), *signed, "--dry-run")):
            said = refused("persons", *attempt)
            assert word in said
            assert said.endswith("(erasure.held)\n")
        assert word in refused("persons", "statement", "--patient", "--reason", "why", typed=f"{PATIENT}\n")
        (hold,) = service.uses.holds.list(Viewer("operator", None, person=False))
        done("holds", "end", hold.id, "--reason", "Settled")
    done("persons", "erase", str(asked), *signed)


def test_an_open_case_keeps_the_member_of_staff_it_is_about(service: Services, tmp_path: Path) -> None:
    asked = statement(tmp_path, "--staff", NIA)
    signed = approvals(tmp_path, asked, "ada", "ben")
    alert, subject = raised(service)
    assert "(erasure.case_open)" in refused("persons", "erase", str(asked), *signed)
    service.uses.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "fine")
    done("persons", "erase", str(asked), *signed)
    log = service.infrastructure.audit
    assert (log.reveal(log.entry(0)).subject, log.reveal(log.entry(0)).patient) == (None, PATIENT)
    found = service.infrastructure.audit_search.find(Query(subject=subject, kind=EventKind.ACCESS), 10)
    assert [event.index for event in found] == [1, 0]


def test_a_person_who_was_mistyped_is_not_erased_in_another_s_place(service: Services) -> None:
    command = ("persons", "statement", "--reason", "why")
    assert "Nothing is sealed for this person" in refused(*command, "--patient", typed="9990000042\n")
    for wrong, typed in (((), PATIENT), (("--patient", "--staff"), PATIENT), (("--patient",), "")):
        result = run(*command, *wrong, typed=f"{typed}\n")
        assert result.exit_code == 2
        assert PATIENT not in result.output


def test_a_namesake_at_another_trust_keeps_the_data_key(service: Services, tmp_path: Path) -> None:
    """The statement is refused already, and so is one that was approved before the namesake came."""
    asked = statement(tmp_path, "--staff", NIA)
    signed = approvals(tmp_path, asked, "ada", "ben")
    name = service.infrastructure.pseudonymiser.subject(NIA)
    with service.infrastructure.database.transaction() as session:
        staff = [StaffMember(name, ods, "clinician") for ods in ("RKB", "RRK")]
        service.registers.federation.upsert_staff(session, staff)
    attempts = [("erase", str(asked), *signed), ("erase", str(asked), *signed, "--dry-run")]
    for attempt in (*attempts, ("statement", "--staff", "--reason", "why")):
        said = refused("persons", *attempt, typed=f"{NIA}\n")
        assert "each trust's staff feed says that they have left" in said
        assert said.endswith("(erasure.namesakes)\n")
    log = service.infrastructure.audit
    assert log.reveal(log.entry(0)).subject == NIA
