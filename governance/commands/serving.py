"""Serve: the HTTP server of this service, and a check of its settings."""

import ctypes
import os
import signal
import tempfile
from typing import Any
from urllib.parse import urlsplit

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from governance.commands._ports import answers, can_listen, claim
from governance.commands._settings import check_database, database, hold_keys, settings, words_of
from governance.errors import GovernanceError, Unavailable
from governance.settings import PREFIX, Settings
from governance.storage import Database, hurried, migrate
from governance.storage.opening import is_made
from governance.storage.outage import refusal
from governance.vocabulary import DEFAULT_PORTS

ANSWER = 5.0  # seconds that the check of the settings waits for the database
GRACE = 5  # seconds a stopping worker may take; it ends by itself a little earlier (governance.server)
HEADERS = 20_000  # milliseconds that a connection may take to send the head of a request, the first or the next
_NO_ANSWER = "The database does not answer: neither the keys nor whether the log is protected could be looked at."
_NO_SCHEMA = "The database has not the schema of this version yet: whether the log is protected is known once it has."
_PARENT_DEATH = 1  # prctl(2), PR_SET_PDEATHSIG
_LOGS = {"handlers": {}, "loggers": {"_granian": {"propagate": True}}}  # granian's lines go the way of every library's


@click.command()
def serve() -> None:
    """Serve the API and the console with the settings of the environment. What it says then is JSON, line by line."""
    chosen = settings()
    check_database(chosen)
    held = claim([address for _, address in _addresses(chosen)])
    with held, tempfile.TemporaryDirectory(prefix="governance-") as folder:
        if chosen.workers > 1:
            os.environ["GOVERNANCE_SHARED_FOLDER"] = folder
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read by prometheus-client when it is imported
        said = _say_so(chosen)
        _tie_children()
        try:
            _server(chosen).serve()
        except SystemExit:
            said.error("a worker ended, so the server ends; its supervisor should start it again")
            raise


def _addresses(chosen: Settings) -> list[tuple[str, tuple[str, int]]]:
    """Give where the service listens, each by the setting that says it."""
    addresses = [("HOST", (chosen.host, chosen.port))]
    if chosen.syslog_port is not None:
        addresses.append(("SYSLOG_HOST", (chosen.syslog_host, chosen.syslog_port)))
    return addresses


def _server(chosen: Settings) -> Any:
    """Make the server; its class is chosen by granian for the platform."""
    return Granian(
        "app:application",
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=chosen.workers,
        http=HTTPModes.http1,  # with HTTP/2 beside it, a connection that sends nothing is kept for ever
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS),
        log_level=LogLevels.info if chosen.log_level == "DEBUG" else LogLevels.warning,
        log_dictconfig=_LOGS,
        workers_kill_timeout=GRACE,
    )


def _say_so(chosen: Settings) -> Any:
    """Write log lines from here on, the first of them that it serves; gives the logger.

    The room is loaded here and no sooner: prometheus-client reads PROMETHEUS_MULTIPROC_DIR as it is imported.
    """
    from governance.telemetry import configure, get_logger, take_over

    configure(chosen.log_level)
    take_over()
    log = get_logger(__name__)
    log.info("serving", issuer=chosen.issuer, console=f"{chosen.issuer}/console/")
    return log


def _tie_children() -> None:
    """Have each child process let itself be stopped, and stop when the process that started it dies.

    Until it has handlers of its own it has those of the process it came from, which would take the signal for nothing.
    """
    parent = [os.getpid()]

    def remember() -> None:
        parent[0] = os.getpid()

    def begin() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None, use_errno=True).prctl(_PARENT_DEATH, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent[0]:  # it died before this was asked for
            os._exit(1)

    os.register_at_fork(before=remember, after_in_child=begin)


@click.command("check-settings")
def check_settings() -> None:
    """Say whether the settings of the environment are complete, and what is wrong with them.

    Where the database answers, the keys are held to those it was first used with, and outside the demo it is asked
    whether it lets the service rewrite the log. What does not answer now, the database or OPA, may be there when the
    service is: that is said, and no fault. A refusal is one.
    """
    chosen = settings()
    for name, address in _addresses(chosen):
        can_listen(f"{PREFIX}{name}", address)
    remarks = [*_of_database(chosen), *_of_opa(chosen)]
    given = sorted(name for name in os.environ if name.startswith("GOVERNANCE_"))
    click.echo(f"The settings are complete: {chosen.profile} profile, {len(given)} variables.")
    for remark in remarks:
        click.echo(remark, err=True)


def _of_database(chosen: Settings) -> list[str]:
    """Ask the database, and give what to know of it; ends the command when a key is another than the database's."""
    watched = chosen.profile != "demo"
    if not is_made(chosen):
        return [_NO_SCHEMA] if watched else []
    try:
        with hurried(ANSWER), database(chosen) as opened:
            hold_keys(chosen, opened)
            return _of_protection(opened) if watched else []
    except Unavailable as error:
        if refusal(error) is not None:
            raise click.ClickException(words_of(error)) from None
        return [_NO_ANSWER]
    except GovernanceError as error:
        raise click.ClickException(words_of(error)) from None


def _of_protection(opened: Database) -> list[str]:
    """Say whether the database lets the service rewrite the log; the room is loaded here as in :func:`_say_so`."""
    from governance.bootstrap.schema import log_protection

    if not migrate.schema(opened).current:
        return [_NO_SCHEMA]
    fault = log_protection(opened)
    return [] if fault is None else [f"The log is not protected. {fault} See docs/operations.md."]


def _of_opa(chosen: Settings) -> list[str]:
    """Say it when nothing answers where the OPA server should be."""
    if chosen.opa_url is None:
        return []
    url = urlsplit(chosen.opa_url)
    place = url.path if url.scheme == "unix" else (str(url.hostname), url.port or DEFAULT_PORTS[url.scheme])
    if answers(place, ANSWER):
        return []
    return ["The OPA server does not answer: until it does, everything is denied."]
