"""What clients that hold connections and bodies open cost everybody else: with them against without, in turn.

From another address, all the time and begun anew whenever the service hangs up: a hundred connections that say nothing
or half the head of a request, sixty requests whose body does not come, and as many idle syslog connections as there are
places. The identity providers drip a byte a second, and visitors go to sign in there. Meanwhile wrk asks single
questions, which the event loop answers, and others send events, which a thread takes. An answer that is not 2xx ends
the measurement.
"""

import itertools
import json
import os
import select
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests

from benchmarks._line import line
from benchmarks._served import Driven, drive, seed, service
from governance.commands._demo_home import DemoHome
from governance.simulation import network, region, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.programs import free_port
from tests.fakes.stranger import drips_headers, stranger
from tests.worlds.served import lines

ROUNDS = 5
SECONDS = 6
CONNECTIONS = 8
IDLE, UNFINISHED, SYSLOG, VISITORS = 100, 60, 64, 8
ELSEWHERE = "127.0.0.2"  # the address of those who hold up
_HALF_HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
_HALF_BODY = b"POST /audit/v1/events HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n{"
_Load = Callable[[], Driven]


def run() -> None:
    """Measure and print the medians with and without."""
    with tempfile.TemporaryDirectory() as folder, stranger(drips_headers) as provider:
        identity = f"http://127.0.0.1:{provider.port}"
        home = DemoHome(Path(folder), f"http://127.0.0.1:{free_port()}", identity)
        os.environ.update(home.environment() | {"GOVERNANCE_SYSLOG_PORT": str(free_port())})
        seed(home)
        with service(home) as (url, headers):
            loads = _loads(Path(folder), home, url, headers)
            for name, load in loads.items():
                alone, beside = _in_turn(home, load)
                line(f"interference {name} per_second", _median(beside, "rate"), _median(alone, "rate"), "0.8 at least")
                line(f"interference {name} p50_ms", _median(beside, "median"), _median(alone, "median"), "1.2 at most")
        for name in ("GOVERNANCE_SYSLOG_PORT", *home.environment()):
            os.environ.pop(name, None)


def _in_turn(home: DemoHome, load: _Load) -> tuple[list[Driven], list[Driven]]:
    """Drive the service alone and beside those who hold up, again and again."""
    load()  # warm
    alone, beside = list[Driven](), list[Driven]()
    for _ in range(ROUNDS):
        alone.append(load())
        with _holding_up(home):
            beside.append(load())
    return alone, beside


def _loads(folder: Path, home: DemoHome, url: str, headers: dict[str, str]) -> dict[str, _Load]:
    feeds = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["audit.write"])
    sent = {"Authorization": f"Bearer {feeds.bearer()}", "Content-Type": "application/x-ndjson"}
    numbers = itertools.count()
    question = [json.dumps(showcase.question())]

    def driving(where: str, how: dict[str, str], bodies: Sequence[str]) -> _Load:
        return lambda: drive(folder, where, how, bodies, seconds=SECONDS, connections=CONNECTIONS)

    return {
        "questions": driving(url, headers, question),
        "events": lambda: _send(f"{home.service}/audit/v1/events", sent, numbers),
    }


def _send(url: str, headers: dict[str, str], numbers: Iterator[int]) -> Driven:
    """Send batches of sign-ins, on which no detector rests, each new to the log: what was sent before is no work."""
    until, took = time.monotonic() + SECONDS, list[float]()

    def sending() -> None:
        with requests.Session() as http:
            while (began := time.monotonic()) < until:
                body = lines(next(numbers), 0).replace(b'"access"', b'"login"')
                http.post(url, data=body, headers=headers, timeout=30).raise_for_status()
                took.append(time.monotonic() - began)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for one in [pool.submit(sending) for _ in range(CONNECTIONS)]:
            one.result()
    took.sort()
    return Driven(len(took) / SECONDS, 1_000 * statistics.median(took), 1_000 * took[int(0.99 * len(took))])


@contextmanager
def _holding_up(home: DemoHome) -> Iterator[None]:
    """Keep connections and bodies open, beginning anew what was hung up."""
    http, syslog = urlsplit(home.service).port, int(os.environ["GOVERNANCE_SYSLOG_PORT"])
    wanted = [(http, _HALF_HEAD if number % 2 else b"") for number in range(IDLE)]
    wanted += [(http, _HALF_BODY)] * UNFINISHED + [(syslog, b"")] * SYSLOG
    stop, ready = threading.Event(), threading.Event()
    holders = [threading.Thread(target=_hold, args=(wanted, stop, ready))]
    holders += [threading.Thread(target=_sign_in, args=(home, number, stop)) for number in range(VISITORS)]
    for holder in holders:
        holder.start()
    try:
        ready.wait()
        yield
    finally:
        stop.set()
        for holder in holders:
            holder.join()


def _sign_in(home: DemoHome, number: int, stop: threading.Event) -> None:
    """Go to the sign-in of one trust after the other, whose provider never answers to its end."""
    trusts = [trust.ods for trust in region.trusts()]
    while not stop.wait(0.05):
        with suppress(requests.RequestException):
            number += 1
            address = f"{home.service}/console/sign-in/{trusts[number % len(trusts)]}"
            requests.get(address, allow_redirects=False, timeout=10)


def _hold(wanted: Sequence[tuple[int, bytes]], stop: threading.Event, ready: threading.Event) -> None:
    held: dict[socket.socket, tuple[int, bytes]] = {}
    while not stop.wait(0.2 if ready.is_set() else 0):
        gone, _, _ = select.select(list(held), [], [], 0) if held else ([], [], [])
        for link in gone:
            wanted = [*wanted, held.pop(link)]
            link.close()
        for port, said in wanted:
            with suppress(OSError):
                link = socket.create_connection(("127.0.0.1", port), source_address=(ELSEWHERE, 0))
                link.sendall(said)
                held[link] = (port, said)
        wanted = []
        ready.set()
    for link in held:
        link.close()


def _median(driven: Sequence[Driven], of: str) -> float:
    return statistics.median(getattr(one, of) for one in driven)
