"""Wires what refusals need: their trail, and the budgets of a process."""

from datetime import timedelta

from governance.audit import Recorder
from governance.clock import Clock
from governance.federation import FederationDirectory
from governance.pseudonyms import Pseudonymiser
from governance.refusals import Budget, Budgets, RefusalTrail
from governance.settings import Settings
from governance.storage import Database
from governance.telemetry import Metrics

_NEIGHBOURS = 10  # clients at one address that may fail as often as one may
_ADDRESSES = 4  # addresses that together may have as many secrets looked at as each may; half a core at the default


def make_trail(
    settings: Settings,
    database: Database,
    recorder: Recorder,
    pseudonymiser: Pseudonymiser,
    clock: Clock,
    metrics: Metrics,
) -> RefusalTrail:
    federation = FederationDirectory(pseudonymiser)

    def registered(client_id: str) -> bool:
        with database.reading() as session:
            return federation.filed_client(session, client_id) is not None  # a suspended one too: it is no stranger

    window = timedelta(seconds=settings.refusal_window)
    return RefusalTrail(recorder, pseudonymiser, clock, registered=registered, window=window, meter=metrics)


def make_budgets(settings: Settings) -> Budgets:
    """Make the budgets of one worker: its share of each."""

    def share(name: str, a_minute: int) -> Budget:
        return Budget(f"rate.{name}", a_minute / settings.workers)

    return Budgets(
        failures=share("failures", settings.limit_failures),
        address=share("address", settings.limit_failures * _NEIGHBOURS),
        secret=share("secrets", settings.limit_failures),
        secrets=share("secrets", settings.limit_failures * _ADDRESSES),
        client=share("client", settings.limit_client),
        person=share("person", settings.limit_person),
        page=share("page", settings.limit_pages),
        visit=share("visit", settings.limit_visits),
    )
