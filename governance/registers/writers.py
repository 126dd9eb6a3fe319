"""Who changes a register, and whose rows they may write: the one place that says so, for API and command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from governance.audit import Subject
from governance.errors import Forbidden
from governance.vocabulary import Scope

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who changes a register.

    ``subject`` is whom the record of the change names, None for the operator at the command line; ``ods`` is the trust
    they act for, None for the whole network; ``scopes`` say which registers are open to them.
    """

    subject: Subject | None
    ods: str | None
    scopes: frozenset[str]


OPERATOR = Writer(None, None, frozenset({Scope.CONTEXT_WRITE, Scope.FEDERATION_WRITE}))


def own_rows(writer: Writer, scope: Scope, rows: Sequence[Row]) -> Sequence[Row]:
    """Give back rows that are the writer's to write. Whoever holds a register's scope writes the rows of every trust.

    Args:
        writer: who wants to write.
        scope: what the register demands.
        rows: what would be written, or the keys of it.

    Raises:
        Forbidden: the register is not open to them.
    """
    if scope not in writer.scopes:
        raise Forbidden("scope.missing", f"This needs the scope {scope.value}.")
    return rows
