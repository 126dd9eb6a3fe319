"""Wires what changes the registers: registrations with the federation, context feeds, explicit acts on studies."""

from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.pseudonyms.tie_keys import TieKeys
from governance.registers import Changes, ContextFeeds, Endings, Registrations, StudyActs
from governance.registers.feeds import matter
from governance.registers.patient_keys import PatientKeys


def make_registrations(infrastructure: Infrastructure, registers: Registers) -> Registrations:
    return Registrations(
        changes=Changes(infrastructure.database, infrastructure.recorder, infrastructure.facts),
        federation=registers.federation,
        methods=registers.client_methods.names,
        issuer=infrastructure.settings.issuer,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
    )


def make_feeds(infrastructure: Infrastructure, registers: Registers) -> ContextFeeds:
    keys = PatientKeys(
        keys=TieKeys(infrastructure.settings.tie_keys),
        federation=registers.federation,
        relationships=registers.relationships,
        pseudonymiser=infrastructure.pseudonymiser,
        vault=infrastructure.vault,
        matter=matter("staff"),
    )
    return ContextFeeds(
        changes=Changes(infrastructure.database, infrastructure.recorder, infrastructure.facts),
        catalogue=registers.catalogue,
        federation=registers.federation,
        contacts=registers.contacts,
        relationships=registers.relationships,
        pseudonymiser=infrastructure.pseudonymiser,
        patient_keys=keys,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def make_study_acts(infrastructure: Infrastructure, registers: Registers) -> StudyActs:
    return StudyActs(
        changes=Changes(infrastructure.database, infrastructure.recorder, infrastructure.facts),
        catalogue=registers.catalogue,
        federation=registers.federation,
        clock=infrastructure.clock,
    )


def make_endings(infrastructure: Infrastructure, registers: Registers) -> Endings:
    return Endings(
        changes=Changes(infrastructure.database, infrastructure.recorder, infrastructure.facts),
        federation=registers.federation,
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
    )
