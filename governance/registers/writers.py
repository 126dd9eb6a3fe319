"""Who changes a register, and whose rows they may write: the one place that says so, for API, command line and files.

1. Every row says whose it is by claims: what it names now, and what is on file under its key. A writer must write for
   one trust of each claim. A claim of no trust is the region's.
2. A client writes for the trust it is registered for. Its registration may name further trusts, or the whole region
   (``writes_for``): a network office writes for others because that was registered, not because of whose client it is.
3. The operator at the command line writes for the region.

``claims.py`` says what each kind of row claims.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from governance.audit import Subject
from governance.errors import Fault, Forbidden
from governance.federation import WHOLE_REGION
from governance.feeds import in_one_line
from governance.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Writer:
    """Who changes a register.

    ``subject`` is whom the record of the change names, None for the operator at the command line. ``ods`` is the trust
    they are registered for, None when they are registered for none. ``scopes`` say which registers are open to them,
    ``writes_for`` for which further trusts they write.
    """

    subject: Subject | None
    ods: str | None
    scopes: frozenset[str]
    writes_for: frozenset[str] = frozenset()

    @property
    def for_region(self) -> bool:
        """Say whether they write for every trust, and for the region itself."""
        return WHOLE_REGION in self.writes_for

    def for_one_of(self, trusts: Iterable[str]) -> bool:
        """Say whether they write for any of some trusts."""
        return self.for_region or not ({self.ods} | self.writes_for).isdisjoint(trusts)


OPERATOR = Writer(None, None, frozenset({Scope.CONTEXT_WRITE, Scope.FEDERATION_WRITE}), frozenset({WHOLE_REGION}))


@dataclass(frozen=True, slots=True)
class Claim:
    """A field that makes a row somebody's: the trusts whose word it is, and what to say to whoever is none of them.

    Without trusts it is the word of the region. ``on_file`` says that what is on file under its key makes it theirs:
    of that nobody else learns more than whose it is not.
    """

    path: str
    trusts: frozenset[str]
    message: str
    on_file: bool = False


def refusals(writer: Writer, claims: Iterable[Claim]) -> tuple[Fault, ...]:
    """Say what of a row is not the writer's to write; nothing when the row is theirs.

    Of a row that is on file as another's that is all: any further word would be about what is on file, and whoever
    guesses it would be told when they are right.
    """
    refused = [claim for claim in claims if not writer.for_one_of(claim.trusts)]
    others = [claim for claim in refused if claim.on_file]
    return tuple(Fault(claim.path, claim.message) for claim in others or refused)


def is_others(writer: Writer, claims: Iterable[Claim]) -> bool:
    """Say whether a row is on file as another's."""
    return any(claim.on_file and not writer.for_one_of(claim.trusts) for claim in claims)


def require_scope(writer: Writer, scope: Scope) -> None:
    """Make sure a register is open to a writer; raises Forbidden."""
    if scope not in writer.scopes:
        raise Forbidden("scope.missing", f"This needs the scope {scope.value}.")


def require_own(writer: Writer, claims: Iterable[Claim]) -> None:
    """Make sure a row is the writer's to write; raises Forbidden, which names every field that is not."""
    faults = refusals(writer, claims)
    if faults:
        raise Forbidden("row.not_yours", f"This is not yours to write. {in_one_line(faults)}")
