"""Every service of a process, in three frozen parts."""

from dataclasses import dataclass

from governance import __version__
from governance.bootstrap._births import begin_counters
from governance.bootstrap.infrastructure import Infrastructure, make_infrastructure
from governance.bootstrap.readiness import StateReader
from governance.bootstrap.registers import Registers, make_registers
from governance.bootstrap.uses import Uses, make_uses
from governance.clock import Clock, SystemClock
from governance.decisions import Engine
from governance.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What an endpoint, a job or a command may use; built once a process.

    ``infrastructure`` is what all the others use, ``registers`` say who, what, why and under which terms, ``uses``
    are what can be asked.
    """

    infrastructure: Infrastructure
    registers: Registers
    uses: Uses


def build(
    settings: Settings, clock: Clock | None = None, engine: Engine | None = None, *, migrates: bool | None = None
) -> Services:
    """Make the services of a process; nothing runs yet, and the database has its newest schema.

    Args:
        settings: validated settings.
        clock: the one clock; the machine's when none is given.
        engine: a policy engine; made from the settings when none is given.
        migrates: whether the schema is brought to the newest; the demo's is when nothing is said, any other is not.

    Raises:
        Conflict: the schema is not the one this version works with, or a key not the one the database was used with.
        Unavailable: the database does not answer.
    """
    migrates = settings.profile == "demo" if migrates is None else migrates
    infrastructure = make_infrastructure(settings, clock or SystemClock(), migrates=migrates)
    registers = make_registers(infrastructure)
    uses = make_uses(infrastructure, registers, engine)
    begin_counters(infrastructure.metrics, settings, uses.tenants)
    infrastructure.metrics.watch(StateReader(infrastructure, registers, uses).snapshot, __version__)
    return Services(infrastructure, registers, uses)
