"""Wires what changes the registers: registrations with the federation, context feeds, explicit acts on studies."""

from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.registers import Changes, ContextFeeds, Endings, Registrations, StudyActs


def make_registrations(infrastructure: Infrastructure, registers: Registers) -> Registrations:
    return Registrations(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        federation=registers.federation,
        methods=registers.client_methods.names,
        issuer=infrastructure.settings.issuer,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
    )


def make_feeds(infrastructure: Infrastructure, registers: Registers) -> ContextFeeds:
    return ContextFeeds(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        catalogue=registers.catalogue,
        federation=registers.federation,
        contacts=registers.contacts,
        relationships=registers.relationships,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def make_study_acts(infrastructure: Infrastructure, registers: Registers) -> StudyActs:
    return StudyActs(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        catalogue=registers.catalogue,
        federation=registers.federation,
        clock=infrastructure.clock,
    )


def make_endings(infrastructure: Infrastructure, registers: Registers) -> Endings:
    return Endings(
        changes=Changes(infrastructure.database, infrastructure.recorder),
        federation=registers.federation,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
    )
