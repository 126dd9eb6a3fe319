"""Wires what changes the registers: registrations with the federation, and the context feeds."""

from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.registers import Changes, ContextFeeds, Registrations


def make_registrations(infrastructure: Infrastructure, registers: Registers) -> Registrations:
    return Registrations(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        federation=registers.federation,
        methods=registers.client_methods.names,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
    )


def make_feeds(infrastructure: Infrastructure, registers: Registers) -> ContextFeeds:
    return ContextFeeds(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        catalogue=registers.catalogue,
        federation=registers.federation,
        relationships=registers.relationships,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )
