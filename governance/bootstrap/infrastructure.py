"""What every room uses: settings, clock, database, the log and what seals it."""

import uuid
from dataclasses import asdict, dataclass

from governance.audit import AuditLog, AuditSearch, NoteSigner, Recorder, Source, evidence
from governance.audit.health import LogHealth
from governance.audit.history import KeptNote
from governance.bootstrap import schema
from governance.bootstrap._outbound import make_outbound
from governance.bootstrap._refusing import make_budgets, make_trail
from governance.clock import Clock
from governance.errors import GovernanceError
from governance.facts import FactWriter
from governance.outbound import Outbound
from governance.pseudonyms import Pseudonymiser, Vault
from governance.pseudonyms.key_checks import another_key, check_keys, keep_keys
from governance.refusals import Budgets, RefusalTrail
from governance.settings import Settings
from governance.storage import Database, migrate
from governance.storage.opening import open_database
from governance.telemetry import Metrics
from governance.threads import VitalThreads
from governance.vocabulary import SYSTEM


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What every room uses."""

    settings: Settings
    clock: Clock
    database: Database
    metrics: Metrics
    vital: VitalThreads
    outbound: Outbound
    pseudonymiser: Pseudonymiser
    vault: Vault
    facts: FactWriter
    source: Source
    audit: AuditLog
    recorder: Recorder
    refusals: RefusalTrail
    budgets: Budgets
    audit_health: LogHealth
    audit_search: AuditSearch
    kept_note: KeptNote | None


def make_infrastructure(settings: Settings, clock: Clock, *, migrates: bool) -> Infrastructure:
    """Open the database, bring its schema up to date or refuse another, and make the log; nothing runs yet.

    Raises:
        Conflict: the schema is another than this version's, or a key another than the database's.
    """
    database = open_database(settings)
    pseudonymiser = Pseudonymiser(settings.pseudonym_key.get_secret_value())
    vault = Vault(settings.key_encryption_key.get_secret_value())
    try:
        if migrates:
            schema.upgrade(settings, database)
        else:
            migrate.check(database)
        _hold_keys(settings, database, pseudonymiser, vault)
    except GovernanceError:
        database.dispose()
        raise
    signer = NoteSigner.from_seed(settings.log_origin, settings.log_signing_key.get_secret_value())
    metrics = Metrics(settings.shared_folder)
    health = LogHealth(metrics)
    source = Source(SYSTEM, settings.organisation)
    kept = KeptNote.of(settings.checkpoint_file, settings.database_url.get_secret_value())
    vital = VitalThreads()
    audit = AuditLog(
        database, pseudonymiser, vault, signer, clock, settings.log_origin, observer=health, kept=kept, threads=vital
    )
    recorder = Recorder(audit, clock, source, new_id)
    return Infrastructure(
        settings=settings,
        clock=clock,
        database=database,
        metrics=metrics,
        vital=vital,
        outbound=make_outbound(settings, metrics),
        pseudonymiser=pseudonymiser,
        vault=vault,
        facts=FactWriter(vault),
        source=source,
        audit=audit,
        recorder=recorder,
        refusals=make_trail(settings, database, recorder, pseudonymiser, clock, metrics),
        budgets=make_budgets(settings),
        audit_health=health,
        audit_search=AuditSearch(database),
        kept_note=kept,
    )


def _hold_keys(settings: Settings, database: Database, pseudonymiser: Pseudonymiser, vault: Vault) -> None:
    """Hold the keys to the database's, and let it know them when nobody did so before. Raises Conflict."""
    if check_keys(database, settings):
        return
    with database.transaction() as session:
        found = asdict(evidence(session, pseudonymiser, vault))
        wrong = [name for name, fits in found.items() if not fits]
        if wrong:
            raise another_key(*wrong)
        keep_keys(session, settings)


def new_id() -> str:
    """Make a fresh identifier (RFC 9562 UUID version 4)."""
    return str(uuid.uuid4())
