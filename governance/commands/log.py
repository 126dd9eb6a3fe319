"""The log from the command line: check it with independent code, export it, name its public key."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click
import psycopg

from governance.audit import NoteSigner, Query, RecordedEvent
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.history import KeptNote
from governance.audit.signer import ed25519_valid
from governance.bootstrap import Services
from governance.commands._context import patient_named, plain_errors, services
from governance.commands._private import open_private
from governance.commands._settings import database as opened_database
from governance.commands._settings import hold_keys, settings
from governance.errors import GovernanceError
from governance.formats.fhir_out import build_audit_event
from governance.formats.native import render
from governance.pseudonyms import Vault
from governance.settings import Settings
from governance.vocabulary import EventKind

_PAGE = 1_000  # events read at a time
_RENDER: Mapping[str, Callable[[RecordedEvent], dict[str, Any]]] = {"fhir": build_audit_event, "native": render}
_UNCHECKED = 2  # exit status: the log could not be checked


@click.command("verify-log")
@click.option("--database", help="SQLAlchemy URL of the log. Default: GOVERNANCE_DATABASE_URL.")
@click.option("--key", help="The log's verifier key, name+id+base64. Default: from the settings.")
@click.option(
    "--expect-checkpoint",
    "expected",
    type=click.File(),
    multiple=True,
    help="A checkpoint that somebody else kept: it shows a roll-back of the whole store. May be given again.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def verify_log(
    context: click.Context, database: str | None, key: str | None, expected: Sequence[TextIO], quiet: bool
) -> None:
    """Check the whole log with code that shares nothing with its writer.

    Without --database it is the service's own: then the checkpoint that it keeps outside the database must be reached
    too, and everything sealed must open. Exit status 0: the log is whole. 1: an entry is bad, and the first is named.
    2: the log could not be checked. 3: there is no checkpoint, or the chain of signings has a gap. 4: the log is
    shorter than what was last signed, or does not extend it. 5: a row that an entry points to is gone or another.
    """
    try:
        chosen = None if database and key else settings()
    except click.ClickException as error:
        error.show()
        context.exit(_UNCHECKED)
    own = chosen if chosen is not None and database is None else None
    try:
        notes = [file.read() for file in expected] + (_kept_note(own) if own else [])
        reader = open_reader(
            database or (chosen.database_url.get_secret_value() if chosen else ""),
            *([chosen.database_work_timeout] if chosen else []),
        )
        if own is not None:
            with opened_database(own) as known:
                hold_keys(own, known)  # under another key nothing opens, and a whole log would seem to be none
        vault = Vault(own.key_encryption_key.get_secret_value()) if own else None
        trusted = read_key(key or (_verifier_key(chosen) if chosen else ""))
        with click.progressbar(length=reader.count(), label="Checking", hidden=quiet) as bar:
            report = verify(
                reader,
                [trusted],
                ed25519_valid,
                expected_checkpoints=notes,
                opens=vault.opens if vault else None,
                rows_key=vault.rows_key if vault else None,
                progress=lambda done, _total: bar.update(done - bar.pos),
            )
        reader.close()
    except (OSError, ValueError, GovernanceError, psycopg.Error, sqlite3.Error) as error:  # another schema's tables too
        words = str(error).strip() or type(error).__name__
        click.echo(f"The log cannot be checked: {words.splitlines()[0]}", err=True)
        context.exit(_UNCHECKED)
    click.echo("\n".join(report.lines()))
    context.exit(report.status)


@click.command("log-key")
def log_key() -> None:
    """Print the log's verifier key, to hand to whoever checks checkpoints."""
    click.echo(_verifier_key(settings()))


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@click.option("--format", "form", type=click.Choice(sorted(_RENDER)), default="native", show_default=True)
@click.option("--patient", help="Only one patient's events: NHS number or pseudonym.")
@click.option("--since", type=click.DateTime(), help="Only events at or after this time (UTC).")
@click.option("--until", type=click.DateTime(), help="Only events before this time (UTC).")
@plain_errors
def export(output: Path, form: str, patient: str | None, since: datetime | None, until: datetime | None) -> None:
    """Export events as NDJSON, pseudonymous, in the order of the log. The export is recorded in the log itself."""
    with services() as made:
        query = Query(
            patient=made.infrastructure.pseudonymiser.patient(patient_named(patient)) if patient else None,
            since=_utc(since, made),
            until=_utc(until, made),
        )
        total = made.infrastructure.audit_search.count(query)
        _record(made, total)
        with open_private(output) as file, click.progressbar(length=total, label="Exporting") as bar:
            after: int | None = None
            while page := made.infrastructure.audit_search.find(_from(query, after), _PAGE, newest_first=False):
                file.writelines(json.dumps(_RENDER[form](event)) + "\n" for event in page)
                after = page[-1].index
                bar.update(len(page))
    click.echo(f"{total} events in {output}")


def _kept_note(chosen: Settings) -> list[str]:
    kept = KeptNote.of(chosen.checkpoint_file, chosen.database_url.get_secret_value())
    note = None if kept is None else kept.read()
    return [] if note is None else [note]


def _verifier_key(chosen: Settings) -> str:
    return NoteSigner.from_seed(chosen.log_origin, chosen.log_signing_key.get_secret_value()).verifier_key()


def _from(query: Query, after: int | None) -> Query:
    return replace(query, after_index=after)


def _utc(at: datetime | None, made: Services) -> datetime | None:
    return None if at is None else at.replace(tzinfo=made.infrastructure.clock.now().tzinfo)


def _record(made: Services, count: int) -> None:
    """Every read of the log is an event of it; raises when it cannot be recorded."""
    made.infrastructure.recorder.record(EventKind.AUDIT_READ, detail={"export": True, "events": count})
