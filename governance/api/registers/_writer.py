"""The caller of a request as the writer of what it changes."""

from governance.registers import Writer
from governance.web import current_caller, subject_of


def current_writer() -> Writer:
    """Give the caller of this request as a writer; only inside a view that names a scope."""
    caller = current_caller()
    return Writer(subject_of(caller), caller.ods, caller.scopes)
