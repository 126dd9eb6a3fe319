"""Every setting, once. A new one is a field here with its sentence, and ``make docs``; nothing else names it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ModelWrapValidatorHandler, SecretBytes, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from governance.errors import ConfigurationError
from governance.settings.asking import AskingSettings
from governance.settings.faults import PREFIX, faults_of
from governance.settings.together import lone_halves, together
from governance.settings.values import (
    AbsoluteFile,
    Archives,
    BaseUrl,
    DatabaseUrl,
    ExactKey,
    Folders,
    Header,
    Host,
    Key,
    LogName,
    Name,
    Networks,
    OdsCode,
    OpaUrl,
    Operators,
    OutboundPeers,
    OwnerUrl,
    Port,
    Seconds,
    Senders,
    SharedPaths,
    Switch,
    TieKeys,
    Token,
)


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


def _log_origin(known: Mapping[str, Any]) -> str:
    return f"{urlsplit(known['issuer']).netloc}/log"


class Settings(AskingSettings):
    """What the service needs to know before it starts; secrets do not appear in its representation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, enable_decoding=False, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    profile: Annotated[
        Literal["production", "demo"],
        Field(description="The demo makes its own keys and may run without TLS on loopback."),
    ] = "production"
    issuer: Annotated[
        BaseUrl,
        Field(
            description="Public base URL, https outside loopback; issuer and audience of the service's own tokens.",
        ),
    ]
    organisation: Annotated[
        OdsCode,
        Field(description="ODS code of the organisation that runs the service: the source of its own audit events."),
    ]
    database_url: Annotated[DatabaseUrl, Field(description="SQLAlchemy URL of the database.")]
    database_timeout: Annotated[
        Seconds,
        Field(
            ge=0.5,
            le=60,
            description="Seconds a request waits for an answer of the database (connection, lock and commit included)"
            " before it is answered 503.",
        ),
    ] = 4.0
    database_work_timeout: Annotated[
        Seconds, Field(ge=1, le=3600, description="Seconds a background job or a command waits for one statement.")
    ] = 60.0
    database_connections: Annotated[
        int | None,
        Field(ge=4, le=2_000, description="Connections of each worker to the database. Unset: its threads and 14."),
    ] = None
    database_pooler: Annotated[
        Literal["none", "transaction"],
        Field(
            description="What pools connections between this service and PostgreSQL: `transaction` for PgBouncer in"
            " that mode.",
        ),
    ] = "none"
    database_owner_url: Annotated[
        OwnerUrl,
        Field(
            description="SQLAlchemy URL of the PostgreSQL role that owns the tables; it alone migrates, and grants the"
            " role of the other URL what it needs. Unset: that role migrates itself, and may rewrite the log.",
        ),
    ] = None
    pseudonym_key: Annotated[Key, Field(description="Key of every pseudonym; a new one breaks every link.")]
    key_encryption_key: Annotated[ExactKey, Field(description="Wraps data keys and token signing keys.")]
    log_signing_key: Annotated[ExactKey, Field(description="Ed25519 seed that signs the log's checkpoints.")]
    session_key: Annotated[Key, Field(description="Signs the console's form tokens.")]
    log_origin: LogName = Field(
        default_factory=_log_origin,
        description="The log's name in its checkpoints (C2SP tlog-checkpoint). Unset: host of the issuer and `/log`.",
    )
    checkpoint_file: Annotated[
        AbsoluteFile,
        Field(
            description="File outside the database that holds the newest signed checkpoint; its folder must exist."
            " Unset: beside a SQLite database; with PostgreSQL none, and a roll-back of the database shows only to who"
            " kept a checkpoint.",
        ),
    ] = None
    operators: Operators = Field(
        default_factory=_none,
        description="Public keys of the people who may approve what takes two of them: `restore-fence`, `persons`.",
    )
    metrics_token: Annotated[
        Token,
        Field(
            description="Bearer token that opens `/metrics`. Unset: only a caller with `metrics.read` may scrape.",
        ),
    ] = None
    opa_url: Annotated[
        OpaUrl,
        Field(
            description="Base URL of an OPA server to decide with, or `unix:` and its socket's path."
            " Unset: the embedded engine decides.",
        ),
    ] = None
    opa_token: Annotated[
        Token, Field(description="Bearer token that the OPA server asks for. Unset: none is sent.")
    ] = None
    opa_client_certificate: Annotated[
        str | None,
        Field(description="File (PEM) of the client certificate that is shown to the OPA server. Unset: none is."),
    ] = None
    opa_client_key: Annotated[str | None, Field(description="File (PEM) of that certificate's key.")] = None
    opa_check_interval: Annotated[
        Seconds,
        Field(
            ge=0.2,
            le=60,
            description="Seconds for which anybody else's change of rules or data at the OPA server may go unnoticed.",
        ),
    ] = 2.0
    tenants: Annotated[
        Folders, Field(description="Folders of AuthZEN tenants; a bad one stops the start. Unset: none.")
    ] = ()
    client_certificate_header: Annotated[
        Header, Field(description="Header in which a trusted proxy passes a client's certificate on. Unset: off.")
    ] = None
    trusted_proxies: Annotated[
        Networks,
        Field(description="Proxies that alone may send that header, and whose `X-Forwarded-For` says who asks."),
    ] = ()
    client_secret_basic: Annotated[
        Switch, Field(description="Whether registered clients may authenticate with HTTP Basic.")
    ] = False
    engine_timeout: Annotated[
        Seconds,
        Field(
            ge=0.01,
            le=60,
            description="Seconds the policy engine may take, to its answer's last byte, before it is a denial.",
        ),
    ] = 0.5
    console_client_id: Annotated[
        Name,
        Field(description="This service's client id at the trusts' identity providers, for the console's sign-in."),
    ] = "imaging-governance-console"
    broker_client_id: Annotated[
        Name, Field(description="The audience a trust's identity token must carry to be exchanged.")
    ] = "imaging-governance"
    sign_in_age: Annotated[
        int,
        Field(
            ge=60,
            le=86_400,
            description="Seconds since a sign-in (`auth_time`) after which its identity tokens no longer count.",
        ),
    ] = 43_200
    syslog_port: Annotated[
        Port | None, Field(description="TCP port that takes audit messages over syslog (RFC 6587). Unset: closed.")
    ] = None
    syslog_host: Annotated[Host, Field(description="Address the syslog port listens on.")] = "127.0.0.1"
    syslog_connections: Annotated[
        int, Field(ge=1, le=1024, description="Connections that the syslog port holds at once, a thread each.")
    ] = 64
    syslog_peer_connections: Annotated[
        int,
        Field(
            ge=1,
            le=1024,
            description="Connections of one address among them. Behind a TLS proxy all senders have one address:"
            " give it as many as there are.",
        ),
    ] = 32
    syslog_senders: Senders = Field(
        default_factory=_none, description="Trusts of senders of syslog messages that name none."
    )
    dicomweb_archives: Archives = Field(
        default_factory=_none, description="DICOMweb services of archives to list from."
    )
    outbound_peers: Annotated[
        OutboundPeers,
        Field(
            description="Hosts that may be called at addresses that are not public, and the network each is in;"
            " [operations.md](operations.md#calls-to-others) says which.",
        ),
    ] = ()
    orthanc_validity: Annotated[
        int,
        Field(ge=0, le=10, description="Seconds Orthanc may remember a grant, its accesses unrecorded. 0: none."),
    ] = 0
    orthanc_shared_paths: Annotated[
        SharedPaths, Field(description="Paths of Orthanc that every live token of its archive may get.")
    ] = frozenset()
    host: Annotated[Host, Field(description="Address the HTTP server listens on.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port the HTTP server listens on.")] = 8080
    threads: Annotated[int, Field(ge=1, le=1_000, description="Threads of each worker that answer HTTP requests.")] = 16
    workers: Annotated[
        int,
        Field(
            ge=1, le=128, description="Processes that answer HTTP requests; one of them also runs the background jobs."
        ),
    ] = 2
    shared_folder: Annotated[
        str | None,
        Field(
            description="Folder of what the workers of one server share; `serve` makes it, nobody else need set it.",
        ),
    ] = None
    bundle_waits: Annotated[
        int,
        Field(
            ge=0,
            le=999,
            description="Waits for a new bundle at once, two for each trust's OPA; each holds one of the threads.",
        ),
    ] = 8
    bundle_key_generation: Annotated[
        int,
        Field(
            ge=1,
            description="Number of the key that signs bundles; raise it once every edge holds the next key.",
        ),
    ] = 1
    edge_stale_after: Annotated[
        int,
        Field(
            ge=4,
            le=86_400,
            description="Seconds without word from the service after which a trust's OPA denies everything.",
        ),
    ] = 14_400
    edge_silent_after: Annotated[
        Seconds, Field(ge=1, le=86_400, description="Seconds without a status after which a trust's OPA is an alert.")
    ] = 300.0
    edge_behind_after: Annotated[
        Seconds,
        Field(
            ge=1,
            le=86_400,
            description="Seconds without the newest policy bundle after which a trust's OPA is an alert.",
        ),
    ] = 120.0
    refusal_window: Annotated[
        Seconds,
        Field(ge=1, le=3600, description="Seconds in which repeats of a refusal are counted and not recorded each."),
    ] = 60.0
    limit_failures: Annotated[
        int,
        Field(
            ge=1,
            description="Failed proofs a minute of one client id at one address, before it waits; ten times as many"
            " of one address.",
        ),
    ] = 120
    limit_client: Annotated[
        int, Field(ge=1, description="Token requests a minute of one client that proved itself, before it waits.")
    ] = 60_000
    limit_person: Annotated[
        int, Field(ge=1, description="Exchanges a minute for one person or service, before they wait.")
    ] = 30_000
    limit_pages: Annotated[
        int, Field(ge=1, description="Pages of the console a minute for one person signed in, before they wait.")
    ] = 1_200
    limit_visits: Annotated[
        int,
        Field(
            ge=1,
            description="Requests a minute of one address for the console's pages without being signed in, the"
            " sign-in's included, before it waits.",
        ),
    ] = 3_000
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="Least severe log line that is written.")
    ] = "INFO"
    checkpoint_interval: Annotated[
        Seconds, Field(ge=0.05, le=3600, description="Seconds between signed checkpoints of the log.")
    ] = 1.0
    facts_kept_days: Annotated[
        int,
        Field(
            ge=1,
            le=3_650,
            description="Days for which what registers said before is kept: as far back the log can be judged again.",
        ),
    ] = 180
    tie_keys: TieKeys = Field(
        default_factory=_none,
        description="Keys of the region's trusts for `patient_key`, each under its id; several while one is rotated."
        " Unset: a keyed `patient_key` is nobody's. [integrators.md](integrators.md#patients-who-are-staff) says how.",
    )
    log_check_pace: Annotated[
        int,
        Field(
            ge=100,
            le=1_000_000,
            description="Entries a second that the check of the whole log reads; it runs beside everything else.",
        ),
    ] = 2_000
    detection_interval: Annotated[
        Seconds, Field(ge=0.05, le=3600, description="Seconds between two looks of detection at the log.")
    ] = 0.5

    def replaced(self, **changes: object) -> Self:
        """Give the same settings with some replaced, checked as those that are read.

        Raises:
            ConfigurationError: with every fault, named by its variable.
        """
        return type(self)(**(dict(self) | changes))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and look nowhere else: `from_environment` reads the variables of its mapping."""
        return (init_settings,)

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, given: Mapping[str, Any], check: ModelWrapValidatorHandler[Self]) -> Self:
        """Check each setting and what they owe to one another; raises ConfigurationError with every fault.

        It is raised outside the handler, so that no library's error with values in it hangs on to it.
        """
        made, faults = None, lone_halves(given)
        try:
            made = check(given)
            faults += together(made, given, KEYS)
        except ValidationError as error:
            faults = faults_of(error) + faults
        if made is None or faults:
            raise ConfigurationError(faults)
        return made


KEYS = tuple(name for name, field in Settings.model_fields.items() if field.annotation is SecretBytes)
