"""How the database is named: a URL, whose options are those of the driver, each with a value that it takes.

1. An error of the library that opens a database would repeat the password in its URL, so nothing wrong gets as far.
2. SQLite is named by the path of a file and nothing more. PostgreSQL's options are libpq's (its manual, 34.1.2).
"""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from governance.settings.faults import WrongValue

_KINDS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql+psycopg": "postgresql"}
_TEXT, _NUMBER, _SWITCH, _USE = r".+", r"-?[0-9]{1,9}", r"[01]", r"disable|prefer|require"
_SSL_MODE = r"disable|allow|prefer|require|verify-ca|verify-full"
_TLS = r"TLSv1(?:\.[123])?"
_OPTIONS = {
    **dict.fromkeys(("application_name", "fallback_application_name", "host", "hostaddr", "options"), _TEXT),
    **dict.fromkeys(("passfile", "krbsrvname", "service", "client_encoding", "requirepeer"), _TEXT),
    **dict.fromkeys(("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "sslpassword"), _TEXT),
    **dict.fromkeys(("port", "connect_timeout", "tcp_user_timeout"), _NUMBER),
    **dict.fromkeys(("keepalives_idle", "keepalives_interval", "keepalives_count"), _NUMBER),
    **dict.fromkeys(("keepalives", "sslcompression", "sslsni"), _SWITCH),
    **dict.fromkeys(("channel_binding", "gssencmode"), _USE),
    **dict.fromkeys(("ssl_min_protocol_version", "ssl_max_protocol_version"), _TLS),
    "sslmode": _SSL_MODE,
    "target_session_attrs": r"any|read-write|primary",  # the service writes
}


def database_url(text: str) -> str:
    """Read where the database is. Raises WrongValue."""
    try:
        url = urlsplit(text)
        kind, port = _KINDS.get(url.scheme), url.port
    except ValueError:
        raise WrongValue("is not a database URL") from None
    if kind is None or not text.isprintable():
        raise WrongValue("begins with sqlite:/// or postgresql+psycopg://")
    if kind == "sqlite":
        if url.netloc or len(url.path) < 2 or unquote(url.path) == "/:memory:" or url.path.startswith("/file:"):
            raise WrongValue("is sqlite:/// and the path of a file")
        if url.query or url.fragment:
            raise WrongValue("is sqlite:/// and the path of a file, without options")
        return text
    if not url.path.strip("/") or port == 0:
        raise WrongValue("names a database: postgresql+psycopg://user:password@host/database")
    _check_options(url.query)
    return text


def database_name(text: str) -> str:
    """Give the name of the database in the URL of one."""
    return unquote(urlsplit(text).path.strip("/"))


def _check_options(query: str) -> None:
    wrong = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        form = _OPTIONS.get(name)
        if form is None:
            wrong.append("has an option that libpq does not know, or that the service sets itself")
        elif not re.fullmatch(form, value):
            wrong.append(f"has a value of {name} that libpq does not take")
    if wrong:
        raise WrongValue(*wrong)
