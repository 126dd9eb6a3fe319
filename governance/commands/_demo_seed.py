"""Seeds the demo: registers the network, signs and activates its agreements, sends what its people work with."""

import json
from dataclasses import asdict
from datetime import date

from governance.agreements import Actor
from governance.agreements.rehearsal import Signatory, Wanted, new_signatories, rehearse
from governance.bootstrap import Services
from governance.commands._demo_home import DemoHome
from governance.commands.federation import register
from governance.simulation import network, region, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import write_private
from governance.simulation.identity_provider import Accounts


def seed_network(made: Services, home: DemoHome, accounts: Accounts) -> None:
    """Register trusts, identity providers, services, manifests and people; running it again changes nothing."""
    names = {trust.ods: trust.name for trust in region.trusts()}
    document = network.federation(
        network.Addresses(home.service, home.identity),
        names,
        home.credentials(network.client_ids(list(names))),
        showcase.people(accounts),
        accounts.broker,
    )
    register(made, document)


def seed_agreements(made: Services, home: DemoHome, today: date) -> None:
    """Load the region's agreements, sign them with the demo signatories' keys, bring each to its state."""
    plans = {name: Wanted(plan.status, plan.reason, plan.unsigned) for name, plan in region.plans().items()}
    known = {record.agreement.id for record in made.registers.agreements.list(limit=200).records}
    documents = [document for document in region.agreements(today) if document["id"] not in known]
    rehearse(made.registers.agreements, documents, _signatories(home), Actor("demo", "service", None), plans)


def seed_showcase(surface: Surface, accounts: Accounts, today: date) -> None:
    """Send the feeds of the showcase through the public surface."""
    surface.post_lines("/relationships/v1/staff", showcase.staff(accounts, today))
    surface.post_lines("/relationships/v1/patients", showcase.patients(accounts))
    surface.post_lines("/catalogue/v1/studies", showcase.studies(accounts, today))
    surface.post_lines("/relationships/v1/edges", showcase.edges(accounts, today))
    surface.post_lines("/audit/v1/events", showcase.looks(today))


def _signatories(home: DemoHome) -> dict[str, Signatory]:
    path = home.signatories()
    if not path.exists():
        made = new_signatories({trust.ods: trust.name for trust in region.trusts()})
        write_private(path, json.dumps({ods: asdict(signatory) for ods, signatory in made.items()}))
    return {ods: Signatory(**row) for ods, row in json.loads(path.read_text()).items()}
