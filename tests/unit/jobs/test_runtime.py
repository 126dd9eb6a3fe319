"""What runs beside the requests starts from the settings and stops in the order that loses nothing."""

import socket
import time

import pytest

from governance.alerts import Viewer
from governance.bootstrap import build
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.settings import Settings
from governance.simulation.programs import free_port
from governance.vocabulary import EventKind
from tests.worlds.audit_messages import READER, event, message, patient, source, study


def test_a_sender_that_names_no_trust_is_read_by_its_setting(settings: Settings, clock: FixedClock) -> None:
    port = free_port()
    chosen = settings.replaced(syslog_port=port, syslog_senders={"vna-1": "RRK"})
    services = build(chosen, clock)
    runtime = Runtime(services)
    runtime.start()
    frames = [
        b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "
        + message(event("110103"), READER, source(site=None, name=name), study(), patient())
        for name in ("vna-1", "vna-2")
    ]
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"".join(f"{len(frame)} ".encode() + frame for frame in frames))
        for _ in range(500):
            if services.uses.quarantine.waiting():
                break
            time.sleep(0.02)
    finally:
        runtime.stop()
    sources = [each.source for each in services.infrastructure.audit.read(0, 100) if each.kind is EventKind.ACCESS]
    assert [(each.id, each.ods) for each in sources] == [("vna-1", "RRK")]
    assert services.uses.quarantine.waiting() == 1
    services.infrastructure.database.dispose()


def test_stopping_ends_the_streams_of_alerts_and_closes_the_log(settings: Settings, clock: FixedClock) -> None:
    services = build(settings, clock)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    stream = iter(services.uses.alerts.streams.open(Viewer("soc", None, person=False), None))
    assert next(stream) is None
    assert services.infrastructure.audit.running
    runtime.stop()
    with pytest.raises(StopIteration):
        next(stream)
    assert not services.infrastructure.audit.running
    services.infrastructure.database.dispose()
