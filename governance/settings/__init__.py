"""One frozen, validated settings object, read from the environment once, at start.

Rules of this room:

1. A setting is declared once, in ``declaration.py``: type, bounds, default and its sentence of documentation.
   ``make docs`` writes its row of ``docs/settings.md``; a test holds the page to the declaration.
2. The service starts whole or not at all: every fault is said at once, named by its variable, and no fault repeats a
   value. A variable that begins with ``GOVERNANCE_``, in capitals or not, and is no setting as it is written is a
   fault.
3. Only the mapping given is read: no file, and not the environment behind it. Whether its files and folders can be
   used is asked apart (``check_places``).
4. A secret is a pydantic secret type: it shows in no representation, and ``get_secret_value()`` gives it.

Example: ``settings = from_environment(os.environ)``, then ``settings.issuer``.
"""

from governance.settings.declaration import KEYS, Settings
from governance.settings.environment import from_environment
from governance.settings.faults import PREFIX, variable
from governance.settings.page import markdown
from governance.settings.places import check_places, mail_credential, note_fault
from governance.settings.values import ArchivePlace, read_operators

__all__ = [
    "KEYS",
    "PREFIX",
    "ArchivePlace",
    "Settings",
    "check_places",
    "from_environment",
    "mail_credential",
    "markdown",
    "note_fault",
    "read_operators",
    "variable",
]
