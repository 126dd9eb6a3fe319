"""Check values of keys: whether the settings give the keys that a database was first used with.

1. A check value is an HMAC-SHA256 (RFC 2104) of a fixed label under the key. It is in the database, so it shows that a
   key is another one, and nothing of the key: that is 32 random bytes.
2. The first process that uses a database puts them in, and nothing ever replaces one: neither key can be exchanged for
   another (decision 0004). Of processes that begin at once the first one's stand, and the others are held to them.
3. A database that was in use before there were check values may have been used with other keys too. Whoever puts them
   in has to know that the log was written with these keys.
4. Under another key nothing is sealed, opened or named: pseudonyms would link to nobody, and what is sealed would be
   lost as soon as the right key is back.
"""

import hmac
from collections.abc import Mapping

from sqlmodel import Session

from governance.errors import Conflict
from governance.pseudonyms import _store
from governance.settings import PREFIX, Settings
from governance.storage import Database

_LABEL = b"imaging-governance/key-check/1/"
CHECKED = ("key_encryption_key", "pseudonym_key")  # settings whose key may never change


def check_values(settings: Settings) -> Mapping[str, bytes]:
    """Give the check value of each key that may never change, by its setting."""
    return {
        name: hmac.digest(getattr(settings, name).get_secret_value(), _LABEL + name.encode(), "sha256")
        for name in CHECKED
    }


def check_keys(database: Database, settings: Settings) -> bool:
    """Hold the keys of the settings to what the database knows of them; changes nothing. The schema is the newest.

    Gives whether it knows them all.

    Raises:
        Conflict: a key is not the one that the database was first used with; the detail names its setting.
    """
    with database.reading() as session:
        known = _store.key_checks(session)
    _refuse(known, check_values(settings))
    return known.keys() >= set(CHECKED)


def keep_keys(session: Session, settings: Settings) -> None:
    """Put the check values of keys on file that are not there yet. Raises Conflict like :func:`check_keys`."""
    values = check_values(settings)
    for name, value in values.items():
        _store.keep_key_check(session, name, value)
    _refuse(_store.key_checks(session), values)


def another_key(*names: str) -> Conflict:
    """Say that the keys of these settings are not those of the database."""
    settings = " and ".join(f"{PREFIX}{name.upper()}" for name in names)
    keys = "is not the key" if len(names) == 1 else "are not the keys"
    return Conflict("keys.other", f"{settings} {keys} that this database was first used with.")


def _refuse(known: Mapping[str, bytes], values: Mapping[str, bytes]) -> None:
    wrong = [name for name in CHECKED if name in known and not hmac.compare_digest(bytes(known[name]), values[name])]
    if wrong:
        raise another_key(*wrong)
