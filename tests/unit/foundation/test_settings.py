"""The service starts whole or not at all, and says everything that is missing at once."""

import base64
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from governance.errors import ConfigurationError
from governance.settings import Settings, from_environment

KEY, SECOND, THIRD, FOURTH = (base64.b64encode(bytes(range(first, first + 32))).decode() for first in range(4))
GOOD = {
    "GOVERNANCE_ISSUER": "https://governance.example.nhs.uk",
    "GOVERNANCE_ORGANISATION": "QHL",
    "GOVERNANCE_DATABASE_URL": "sqlite:////tmp/any.sqlite",
    "GOVERNANCE_PSEUDONYM_KEY": KEY,
    "GOVERNANCE_KEY_ENCRYPTION_KEY": SECOND,
    "GOVERNANCE_LOG_SIGNING_KEY": THIRD,
    "GOVERNANCE_SESSION_KEY": FOURTH,
}


def faults(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as refused:
        from_environment(environ)
    return {fault.path: fault.message for fault in refused.value.faults}


def test_a_whole_environment_starts_in_the_production_profile() -> None:
    settings = from_environment(GOOD | {"PATH": "/usr/bin", "GOVERNANCE_SYSLOG_PORT": "6514"})
    assert settings.profile == "production"
    assert settings.log_origin == "governance.example.nhs.uk/log"
    assert settings.syslog_port == 6514


def test_what_orthanc_may_show_and_remember_is_nothing_unless_it_is_said() -> None:
    assert (from_environment(GOOD).orthanc_validity, from_environment(GOOD).orthanc_shared_paths) == (0, frozenset())
    said = {"GOVERNANCE_ORTHANC_VALIDITY": "10", "GOVERNANCE_ORTHANC_SHARED_PATHS": " /system, /dicom-web/info ,"}
    settings = from_environment(GOOD | said)
    assert settings.orthanc_validity == 10
    assert settings.orthanc_shared_paths == {"/system", "/dicom-web/info"}


def test_an_empty_environment_is_refused_with_every_missing_name() -> None:
    assert faults({}).keys() == GOOD.keys()


def test_an_empty_value_is_none_where_one_is_needed() -> None:
    assert faults(GOOD | {"GOVERNANCE_ISSUER": "", "GOVERNANCE_SESSION_KEY": "", "GOVERNANCE_ENGINE_TIMEOUT": ""}) == {
        "GOVERNANCE_ISSUER": "is required",
        "GOVERNANCE_SESSION_KEY": "is required",
        "GOVERNANCE_ENGINE_TIMEOUT": "is not a number of type float",
    }


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_one_missing_setting_is_enough_to_refuse(missing: str) -> None:
    environ = {name: value for name, value in GOOD.items() if name != missing}
    assert faults(environ) == {missing: "is required"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GOVERNANCE_ISSUER", "http://governance.example.nhs.uk", "is https, unless"),
        ("GOVERNANCE_ISSUER", "https://governance.example.nhs.uk/", "without query, fragment or closing slash"),
        ("GOVERNANCE_ISSUER", "governance", "is a base URL"),
        ("GOVERNANCE_ISSUER", "https://[::1", "is a base URL"),
        ("GOVERNANCE_ISSUER", "https://:8443", "is a base URL"),
        ("GOVERNANCE_ISSUER", "https://governance.example.nhs.uk:eighty", "is a base URL"),
        ("GOVERNANCE_ISSUER", "https://u:hidden@governance.example.nhs.uk", "without user and password"),
        ("GOVERNANCE_ISSUER", "http://u@127.0.0.1", "without user and password"),
        ("GOVERNANCE_OPA_URL", "http://u:hidden@opa.example:8181", "without user and password"),
        ("GOVERNANCE_OPA_URL", "https://u@opa.example", "without user and password"),
        ("GOVERNANCE_OPA_URL", "opa.example:8181", "is http or https"),
        ("GOVERNANCE_OPA_URL", "ftp://opa.example", "is http or https"),
        ("GOVERNANCE_OPA_URL", "file:///run/opa.sock", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://:8181", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example:eighty", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example:65536", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example:0", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example/v1", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example?token=hidden", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa.example\n", "is http or https"),
        ("GOVERNANCE_OPA_URL", "http://opa .example", "is http or https"),
        ("GOVERNANCE_OPA_URL", "unix:", "is http or https"),
        ("GOVERNANCE_OPA_URL", "unix:/", "is http or https"),
        ("GOVERNANCE_OPA_URL", "unix:opa.sock", "is http or https"),
        ("GOVERNANCE_PROFILE", "test", "is production or demo"),
        ("GOVERNANCE_KEY_ENCRYPTION_KEY", "c2hvcnQ=", "is exactly 32 bytes"),
        ("GOVERNANCE_KEY_ENCRYPTION_KEY", "not base64!", "is not base64"),
        ("GOVERNANCE_PSEUDONYM_KEY", base64.b64encode(b"x" * 32).decode(), "one byte repeated"),
        ("GOVERNANCE_PORT", "eighty", "is not a number of type int"),
        ("GOVERNANCE_PORT", "65536", "is 65535 or less"),
        ("GOVERNANCE_SYSLOG_PORT", "0", "is 1 or more"),
        ("GOVERNANCE_ENGINE_TIMEOUT", "soon", "is not a number of type float"),
        ("GOVERNANCE_EDGE_SILENT_AFTER", "0", "is 1 or more"),
        ("GOVERNANCE_THREADS", "0", "is 1 or more"),
        ("GOVERNANCE_ENGINE_TIMEOUT", "nan", "is a finite number"),
        ("GOVERNANCE_ENGINE_TIMEOUT", "inf", "is a finite number"),
        ("GOVERNANCE_ENGINE_TIMEOUT", "60.5", "is 60 or less"),
        ("GOVERNANCE_CHECKPOINT_INTERVAL", "-inf", "is a finite number"),
        ("GOVERNANCE_CHECKPOINT_INTERVAL", "1e400", "is a finite number"),
        ("GOVERNANCE_CHECKPOINT_INTERVAL", "1e300", "is 3600 or less"),
        ("GOVERNANCE_DETECTION_INTERVAL", "3601", "is 3600 or less"),
        ("GOVERNANCE_EDGE_STALE_AFTER", "86401", "is 86400 or less"),
        ("GOVERNANCE_EDGE_SILENT_AFTER", "inf", "is a finite number"),
        ("GOVERNANCE_EDGE_BEHIND_AFTER", "86401", "is 86400 or less"),
        ("GOVERNANCE_LOG_LEVEL", "LOUD", "is DEBUG"),
        ("GOVERNANCE_ORGANISATION", "qhl", "an ODS code"),
        ("GOVERNANCE_SYSLOG_SENDERS", "vna-1=RRK,vna-2", "pair 2 is not AuditSourceID=ODS"),
        ("GOVERNANCE_SYSLOG_SENDERS", "=RRK", "pair 1 is not AuditSourceID=ODS"),
        ("GOVERNANCE_SYSLOG_SENDERS", "vna-1=rrk", "pair 1: an ODS code is"),
        ("GOVERNANCE_SYSLOG_SENDERS", "vna-1=RRK, vna-1=RKB", "pair 2 names a source that another pair names"),
        ("GOVERNANCE_CLIENT_SECRET_BASIC", "yes", "is on or off"),
        ("GOVERNANCE_ORTHANC_VALIDITY", "11", "is 10 or less"),
        ("GOVERNANCE_ORTHANC_VALIDITY", "-1", "is 0 or more"),
        ("GOVERNANCE_ORTHANC_VALIDITY", "soon", "is not a number"),
        ("GOVERNANCE_ORTHANC_SHARED_PATHS", "/system,plugins", "path 2 is not a plain absolute path"),
        ("GOVERNANCE_ORTHANC_SHARED_PATHS", "/system?x", "path 1 is not a plain absolute path"),
        ("GOVERNANCE_ORTHANC_SHARED_PATHS", "/", "path 1 is not a plain absolute path"),
        ("GOVERNANCE_ORTHANC_SHARED_PATHS", "/dicom-web/studies", "path 1 holds what is of patients"),
        ("GOVERNANCE_ORTHANC_SHARED_PATHS", "/Wado", "path 1 holds what is of patients"),
        ("GOVERNANCE_OUTBOUND_PEERS", "idp.example=10.0.0.0/8, other", "pair 2 has no IP address or network"),
        ("GOVERNANCE_OUTBOUND_PEERS", "10.20.0.0/16", "pair 1 has no IP address or network"),
        ("GOVERNANCE_OUTBOUND_PEERS", "=10.20.0.0/16", "pair 1 has no host"),
        ("GOVERNANCE_OUTBOUND_PEERS", "https://idp.example=10.20.0.0/16", "pair 1 has no host"),
        ("GOVERNANCE_OUTBOUND_PEERS", "idp.example:8443=10.20.0.0/16", "pair 1 has no host"),
        ("GOVERNANCE_OUTBOUND_PEERS", "idp.example=10.20.0.1/16", "pair 1 has no IP address or network"),
        ("GOVERNANCE_OUTBOUND_PEERS", "idp.example=0.0.0.0/0", "pair 1 lets a host be everywhere"),
        ("GOVERNANCE_OUTBOUND_PEERS", "idp.example=0.0.0.0/1, idp.example=128.0.0.0/1", "pair 2 lets"),
        ("GOVERNANCE_PSEUDONYM_KAY", KEY, "no such setting"),
        ("GOVERNANCE_DATABASE_URL", "governance", "begins with sqlite:/// or postgresql+psycopg://"),
        ("GOVERNANCE_DATABASE_URL", "mysql://u:hidden@db/x", "begins with sqlite:/// or postgresql+psycopg://"),
        ("GOVERNANCE_DATABASE_URL", "postgresql://u:hidden@db/x", "begins with sqlite:/// or postgresql+psycopg://"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u:hidden@db:eighty/x", "is not a database URL"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u:hidden@db:0/x", "names a database"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u:hidden@db", "names a database"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:///", "the path of a file"),
        ("GOVERNANCE_DATABASE_URL", "sqlite://folder/file", "the path of a file"),
        ("GOVERNANCE_ISSUER", "https://x.nhs.uk/%zz", "whole percent escapes"),
        ("GOVERNANCE_ISSUER", 'https://x.nhs.uk/a"b', "unreserved characters"),
        ("GOVERNANCE_ISSUER", "https://éxample.nhs.uk", "in small letters, a name in another script as xn--"),
        ("GOVERNANCE_ISSUER", "HTTPS://x.nhs.uk", "in small letters"),
        ("GOVERNANCE_ISSUER", "https://X.nhs.uk", "in small letters"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:///:memory:", "the path of a file"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:///file:x.sqlite", "the path of a file"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:////tmp/a.sqlite?mode=ro", "without options"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:////tmp/a.sqlite?foo=bar", "without options"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u@db/x?foo=bar", "an option that libpq does not know"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u@db/x?connect_timeout=x", "a value of connect_timeout"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u@db/x?sslmode=wrong", "a value of sslmode"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u@db/x?target_session_attrs=standby", "a value of target"),
        ("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://u@db/x?autocommit=1", "an option that libpq does not know"),
        ("GOVERNANCE_DATABASE_OWNER_URL", "postgresql+psycopg://u@db/x", "another database than GOVERNANCE_DATABASE_U"),
        ("GOVERNANCE_DATABASE_OWNER_URL", "postgresql+psycopg://u@db/x?foo=bar", "an option that libpq does not"),
        ("GOVERNANCE_DATABASE_CONNECTIONS", "1", "is 4 or more"),
        ("GOVERNANCE_DATABASE_CONNECTIONS", "100000", "is 2000 or less"),
        ("GOVERNANCE_DATABASE_CONNECTIONS", "9" * 30, "is 2000 or less"),
        ("GOVERNANCE_CHECKPOINT_FILE", "relative", "is an absolute path"),
        ("GOVERNANCE_LOG_ORIGIN", "é", "of ASCII"),
        ("GOVERNANCE_CONSOLE_CLIENT_ID", "é", "of ASCII"),
        ("GOVERNANCE_OPA_URL", "unix:/" + "a" * 200, "at most 107 bytes"),
        ("GOVERNANCE_OPA_URL", "http://a..é", "names a host"),
        ("GOVERNANCE_LOG_ORIGIN", "", "is 1 to 255 characters without blanks"),
        ("GOVERNANCE_LOG_ORIGIN", "a b", "is 1 to 255 characters without blanks"),
        ("GOVERNANCE_LOG_ORIGIN", "a+b", "holds no plus sign"),
        ("GOVERNANCE_METRICS_TOKEN", "x", "is at least 16 random characters"),
        ("GOVERNANCE_METRICS_TOKEN", "x" * 40, "is at least 16 random characters"),
        ("GOVERNANCE_METRICS_TOKEN", "a token with blanks in it", "is at least 16 random characters"),
        ("GOVERNANCE_CONSOLE_CLIENT_ID", "", "is 1 to 255 characters without blanks"),
        ("GOVERNANCE_BROKER_CLIENT_ID", "a\nb", "is 1 to 255 characters without blanks"),
        ("GOVERNANCE_HOST", "", "is a host name or an IP address"),
        ("GOVERNANCE_HOST", "127.0.0.1:8080", "is a host name or an IP address"),
        ("GOVERNANCE_SYSLOG_HOST", "http://127.0.0.1", "is a host name or an IP address"),
        ("GOVERNANCE_MAIL_PORT", "70000", "is 65535 or less"),
        ("GOVERNANCE_MAIL_SENDER", "everybody", "a mail address is name@host"),
        ("GOVERNANCE_MAIL_CREDENTIALS", "relative/mail", "is an absolute path"),
        ("GOVERNANCE_PRIVACY_MAILBOXES", "RRK=x@rrk.example,RRK=y@rrk.example", "pair 2 names a trust that another"),
        ("GOVERNANCE_PRIVACY_MAILBOXES", "RRK=nobody", "pair 1: a mail address is name@host"),
        ("GOVERNANCE_WEBHOOK_URL", "http://hooks.example/in", "is https outside loopback"),
        ("GOVERNANCE_WEBHOOK_URL", "https://user:secret@hooks.example", "is https outside loopback, without user"),
        ("GOVERNANCE_INQUIRY_REMIND_AFTER", "5", "is 60 or more"),
        ("GOVERNANCE_THREADS", "100000000", "is 1000 or less"),
        ("GOVERNANCE_WORKERS", "1000", "is 128 or less"),
        ("GOVERNANCE_BUNDLE_WAITS", "16", "is less than GOVERNANCE_THREADS"),
        ("GOVERNANCE_SYSLOG_PORT", "8080", "is the port of the HTTP server"),
        ("GOVERNANCE_SESSION_KEY", KEY, "is the key of another purpose: GOVERNANCE_PSEUDONYM_KEY"),
        ("GOVERNANCE_LOG_SIGNING_KEY", SECOND, "is the key of another purpose: GOVERNANCE_KEY_ENCRYPTION_KEY"),
    ],
)
def test_a_wrong_value_is_named_and_never_repeated(name: str, value: str, message: str) -> None:
    found = faults(GOOD | {name: value})
    assert list(found) == [name]
    assert message in found[name]
    assert len(value) < 4 or value not in found[name].replace("sqlite:///", "")


@pytest.mark.parametrize("name", ["GOVERNANCE_port", "governance_port", "Governance_Port", "GOVERNANCE_Issuer"])
def test_a_variable_in_another_case_is_no_setting(name: str) -> None:
    said = {name: "https://other.example", "GOVERNANCE_PORT": "9"}
    for environ in (GOOD | said, said | GOOD):
        assert faults(environ) == {name: "no such setting; docs/settings.md lists them"}
    assert faults(GOOD | {name: "9"}) == {name: "no such setting; docs/settings.md lists them"}


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.annotation is float])
def test_every_number_of_seconds_is_finite_and_bounded(name: str) -> None:
    for value in ("inf", "nan", "1e400", "1e9"):
        assert list(faults(GOOD | {f"GOVERNANCE_{name.upper()}": value})) == [f"GOVERNANCE_{name.upper()}"]


@pytest.mark.parametrize(
    ("value", "senders"),
    [
        ("", {}),
        ("vna-1=RRK", {"vna-1": "RRK"}),
        (" PACS A = RRK , x=y=RKB, ", {"PACS A": "RRK", "x=y": "RKB"}),
    ],
)
def test_senders_of_syslog_messages_have_their_trust(value: str, senders: dict[str, str]) -> None:
    assert from_environment(GOOD | {"GOVERNANCE_SYSLOG_SENDERS": value}).syslog_senders == senders
    assert from_environment(GOOD).syslog_senders == {}


def test_peers_are_hosts_and_their_networks() -> None:
    value = "idp.rrk.example=10.20.0.0/16, idp.rrk.example=fd00::/64, ::1=::1, 10.1.2.3=10.1.2.3"
    found = from_environment(GOOD | {"GOVERNANCE_OUTBOUND_PEERS": value}).outbound_peers
    assert [(host, str(network)) for host, network in found] == [
        ("idp.rrk.example", "10.20.0.0/16"),
        ("idp.rrk.example", "fd00::/64"),
        ("::1", "::1/128"),
        ("10.1.2.3", "10.1.2.3/32"),
    ]
    assert from_environment(GOOD).outbound_peers == ()


def test_a_secret_does_not_show_in_the_representation() -> None:
    assert "pseudonym_key" not in repr(from_environment(GOOD))
    assert "key_encryption_key" not in repr(from_environment(GOOD))


def test_a_secret_is_given_by_one_call_and_shows_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    secrets = {
        "GOVERNANCE_DATABASE_URL": "sqlite:////hidden-place",
        "GOVERNANCE_METRICS_TOKEN": "hidden-token-of-9f3c",
        "GOVERNANCE_DICOMWEB_ARCHIVES": "archive-rrk=https://lists:hidden@orthanc.example/dw",
    }
    with caplog.at_level("DEBUG"):
        settings = from_environment(GOOD | secrets)
    shown = f"{settings!r} {settings} {settings.model_dump(warnings=False)} {caplog.text}"
    assert "hidden" not in shown
    assert KEY not in shown
    assert repr(bytes(range(32))) not in shown
    assert settings.pseudonym_key.get_secret_value() == bytes(range(32))
    assert settings.database_url.get_secret_value() == "sqlite:////hidden-place"
    assert settings.metrics_token is not None
    assert settings.metrics_token.get_secret_value() == "hidden-token-of-9f3c"


def test_a_refusal_repeats_no_value_not_even_in_its_traceback() -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_environment(
            GOOD | {"GOVERNANCE_SESSION_KEY": "hidden!", "GOVERNANCE_DICOMWEB_ARCHIVES": "a=b://h:hidden@c"}
        )
    assert len(refused.value.faults) == 2
    assert "hidden" not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None


def test_archives_to_list_from_keep_their_password_apart() -> None:
    value = "archive-rrk=https://lists:p%40ss@orthanc.example:8443/dicom-web/, archive-rkb=http://127.0.0.1:8042/dw"
    settings = from_environment(GOOD | {"GOVERNANCE_DICOMWEB_ARCHIVES": value})
    found = settings.dicomweb_archives
    assert found["archive-rrk"].url == "https://orthanc.example:8443/dicom-web"
    assert found["archive-rrk"].credential == ("lists", "p@ss")
    assert (found["archive-rkb"].url, found["archive-rkb"].credential) == ("http://127.0.0.1:8042/dw", None)
    assert "p@ss" not in repr(settings) + repr(found["archive-rrk"])


@pytest.mark.parametrize(
    "value",
    [
        "archive-rrk",
        "=https://orthanc.example/dw",
        "archive-rrk=orthanc.example/dw",
        "archive-rrk=http://orthanc.example/dw",
        "archive-rrk=https://orthanc.example/dw?x=1",
        "archive-rrk=https://[orthanc.example/dw",
        "archive-rrk=https://one.example,archive-rrk=https://two.example",
    ],
)
def test_archives_to_list_from_are_reached_safely(value: str) -> None:
    assert "GOVERNANCE_DICOMWEB_ARCHIVES" in faults(GOOD | {"GOVERNANCE_DICOMWEB_ARCHIVES": value})


def test_an_opa_server_is_a_url_or_a_socket() -> None:
    assert from_environment(GOOD).opa_url is None
    for value in ("http://opa.example", "https://[::1]:8181/", "http://127.0.0.1:8181", "unix:/run/opa.sock"):
        assert from_environment(GOOD | {"GOVERNANCE_OPA_URL": value}).opa_url == value
    assert list(faults(GOOD | {"GOVERNANCE_OPA_URL": ""})) == ["GOVERNANCE_OPA_URL"]


def test_every_fault_is_said_at_once_whatever_kind_it_is() -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_environment(
            {
                "GOVERNANCE_PORT": "65536",
                "GOVERNANCE_TRUSTED_PROXIES": "proxy, 10.1.2.3, ::/0",
                "GOVERNANCE_SYSLOG_SENDERS": "vna-1=RRK, vna-2, vna-1=RKB",
                "GOVERNANCE_PORTS": "1",
                "GOVERNANCE__ENV_FILE": "/etc/other",
            }
        )
    found = [(fault.path, fault.message) for fault in refused.value.faults]
    assert found == [
        *((name, "is required") for name in GOOD),
        ("GOVERNANCE_TRUSTED_PROXIES", "entry 1 is not an IP address or network"),
        ("GOVERNANCE_TRUSTED_PROXIES", "entry 3 trusts every address, or nearly"),
        ("GOVERNANCE_SYSLOG_SENDERS", "pair 2 is not AuditSourceID=ODS"),
        ("GOVERNANCE_SYSLOG_SENDERS", "pair 3 names a source that another pair names"),
        ("GOVERNANCE_PORT", "is 65535 or less"),
        ("GOVERNANCE_PORTS", "no such setting; docs/settings.md lists them"),
        ("GOVERNANCE__ENV_FILE", "no such setting; docs/settings.md lists them"),
    ]


def test_only_the_mapping_given_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOVERNANCE_WORKERS=7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOVERNANCE_PORT", "9")
    monkeypatch.setenv("GOVERNANCE_NO_SUCH", "1")
    settings = from_environment(GOOD)
    assert (settings.port, settings.workers) == (8080, 2)
    assert settings.replaced(threads=4).port == 8080


def test_the_settings_do_not_change_but_others_are_made_of_them() -> None:
    settings = from_environment(GOOD | {"GOVERNANCE_TENANTS": "rooms", "GOVERNANCE_SYSLOG_SENDERS": "vna-1=RRK"})
    with pytest.raises(ValidationError):
        settings.port = 9
    with pytest.raises(TypeError):
        settings.syslog_senders["vna-2"] = "RRK"  # type: ignore[index]
    other = settings.replaced(port=9, syslog_senders={"vna-2": "RKB"})
    assert (other.port, other.syslog_senders) == (9, {"vna-2": "RKB"})
    assert (settings.port, settings.syslog_senders) == (8080, {"vna-1": "RRK"})
    assert other.replaced(port=settings.port, syslog_senders=settings.syslog_senders) == settings


def test_others_made_of_settings_are_checked_too() -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_environment(GOOD).replaced(client_certificate_header="X-Client", ports=9)
    assert {fault.path for fault in refused.value.faults} == {"GOVERNANCE_TRUSTED_PROXIES", "GOVERNANCE_PORTS"}


def test_tenants_and_the_further_ways_in_are_off_until_they_are_said() -> None:
    settings = from_environment(GOOD)
    assert (settings.tenants, settings.client_secret_basic, settings.client_certificate_header) == ((), False, None)
    said = {
        "GOVERNANCE_TENANTS": "rooms, /srv/library,",
        "GOVERNANCE_CLIENT_SECRET_BASIC": "on",
        "GOVERNANCE_CLIENT_CERTIFICATE_HEADER": "X-Client-Certificate",
        "GOVERNANCE_TRUSTED_PROXIES": "10.1.2.3, fd00::/8",
    }
    settings = from_environment(GOOD | said)
    assert settings.tenants == ("rooms", "/srv/library")
    assert settings.client_secret_basic is True
    assert [str(network) for network in settings.trusted_proxies] == ["10.1.2.3/32", "fd00::/8"]


@pytest.mark.parametrize(
    ("header", "proxies", "expected"),
    [
        ("X-Client-Certificate", "", ("GOVERNANCE_TRUSTED_PROXIES", "is required when")),
        ("X_Client", "10.1.2.3", ("GOVERNANCE_CLIENT_CERTIFICATE_HEADER", "is the name of a header")),
        ("X-Client", "10.1.2.3,proxy", ("GOVERNANCE_TRUSTED_PROXIES", "entry 2 is not an IP address")),
        ("X-Client", "0.0.0.0/0", ("GOVERNANCE_TRUSTED_PROXIES", "entry 1 trusts every address")),
        ("X-Client", "::/0", ("GOVERNANCE_TRUSTED_PROXIES", "entry 1 trusts every address")),
    ],
)
def test_half_of_client_certificates_is_refused(header: str, proxies: str, expected: tuple[str, str]) -> None:
    given = {"GOVERNANCE_CLIENT_CERTIFICATE_HEADER": header, "GOVERNANCE_TRUSTED_PROXIES": proxies}
    found = faults(GOOD | given)
    assert expected[1] in found[expected[0]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"GOVERNANCE_OPA_CLIENT_CERTIFICATE": "/etc/opa.pem"},
            {"GOVERNANCE_OPA_CLIENT_KEY": "is required when the other half of the certificate for OPA is set"},
        ),
        (
            {
                "GOVERNANCE_OPA_URL": "http://opa:8181",
                "GOVERNANCE_OPA_TOKEN": "a-token-of-the-tests-0123456789-QRSTUVWXYZ",
            },
            {"GOVERNANCE_OPA_URL": "is https when a token is sent there, unless it is a loopback address"},
        ),
    ],
)
def test_what_is_shown_to_an_opa_is_whole_and_not_in_clear(given: dict[str, str], expected: dict[str, str]) -> None:
    assert faults(GOOD | given) == expected


@pytest.mark.parametrize("url", ["https://opa:8181", "http://127.0.0.1:8181", "unix:/run/opa.sock"])
def test_an_opa_is_shown_a_token_over_tls_or_on_this_machine(url: str) -> None:
    settings = from_environment(
        GOOD | {"GOVERNANCE_OPA_URL": url, "GOVERNANCE_OPA_TOKEN": "a-token-of-the-tests-0123456789-QRSTUVWXYZ"}
    )
    assert settings.opa_token is not None
    assert "a-token-of-the-tests-0123456789-QRSTUVWXYZ" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"GOVERNANCE_MAIL_SENDER": "is required when GOVERNANCE_MAIL_HOST is set"}),
        (
            {"GOVERNANCE_MAIL_SENDER": "us@region.example", "GOVERNANCE_MAIL_TLS": "none"},
            {"GOVERNANCE_MAIL_TLS": "is `starttls` or `tls`, unless the mail server is a loopback address"},
        ),
    ],
)
def test_mail_comes_from_somebody_and_goes_over_tls(given: dict[str, str], expected: dict[str, str]) -> None:
    assert faults(GOOD | {"GOVERNANCE_MAIL_HOST": "relay.region.example"} | given) == expected


def test_a_mail_server_is_a_host_and_off_unless_it_is_said() -> None:
    sender = {"GOVERNANCE_MAIL_SENDER": "us@region.example"}
    wrong = faults(GOOD | sender | {"GOVERNANCE_MAIL_HOST": "not a host"})
    assert wrong == {"GOVERNANCE_MAIL_HOST": "is a host name or an IP address, without a port"}
    assert from_environment(GOOD | sender | {"GOVERNANCE_MAIL_HOST": "relay.example"}).mail_host == "relay.example"
    settings = from_environment(GOOD)
    assert (settings.mail_host, settings.webhook_url, dict(settings.privacy_mailboxes)) == (None, None, {})
