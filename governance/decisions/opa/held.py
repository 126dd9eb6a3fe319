"""What an OPA server holds of one owner's rules and data, beside what that owner put there; values only, no calls.

An owner is the network or a tenant. Its modules have ids below its prefixes and are in its packages; a module of
anybody else's in one of them, or in one that they are below, could answer in their place, whatever its id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from governance.decisions.opa.line import HeldPolicy
from governance.rego import Bounds, RegoFault, package_of
from governance.vocabulary import ReasonCode

Package = tuple[str, ...]
Why = tuple[ReasonCode, str]  # what an EngineFault is made of; one that is kept and raised again would grow
_NOTHING_YET = (ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")


class Verdict(StrEnum):
    """How what a server holds compares with what was put there."""

    OURS = auto()
    LOST = auto()  # what is there is ours, but not all of it: a server that was started anew
    OTHER_DATA = auto()  # data of another revision: another process is ahead, or behind
    RULES = auto()  # other rules
    DATA = auto()  # other data under our revision
    OPEN = auto()  # whatever it holds, strangers may change it


FAULTS: Mapping[Verdict, Why] = {
    Verdict.LOST: (ReasonCode.ENGINE_UNDEFINED, "the OPA server has lost its rules or data"),
    Verdict.OTHER_DATA: (ReasonCode.POLICY_STALE, "the OPA server holds other policy data"),
    Verdict.RULES: (ReasonCode.ENGINE_UNTRUSTED, "the OPA server holds rules that were not put there by this service"),
    Verdict.DATA: (ReasonCode.ENGINE_UNTRUSTED, "the OPA server holds other data under this service's revision"),
    Verdict.OPEN: (ReasonCode.ENGINE_UNTRUSTED, "the OPA server lets callers without authorization change its rules"),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose rules and data: the name for logs and metrics, and where they are.

    ``modules`` are the Rego by id, in the order in which they are put; ``place`` is the path of the data. ``bounds``
    hold what the server makes of the modules, but of those of ``trusted``, which are written here. ``empty`` is a path
    that the modules read and where nothing may be; it is one of ``packages`` too.
    """

    name: str
    prefixes: tuple[str, ...]
    packages: tuple[Package, ...]
    modules: tuple[tuple[str, str], ...]
    place: Package
    bounds: Bounds | None = None
    trusted: frozenset[str] = frozenset()
    empty: Package = ()

    @property
    def query(self) -> str:
        """Give the query for the data's digest and revision, and how much is where nothing may be: [] without data."""
        data = ".".join(("data", *self.place))
        more = f"count([1 | _ = {'.'.join(('data', *self.empty))}])" if self.empty else "0"
        return f'[[crypto.sha256(json.marshal(x)), object.get(x, "revision", ""), {more}] | x := {data}]'


@dataclass(slots=True)
class Holding:
    """What an owner has put at a server, and how that was found last: ``fault`` is None once it was found whole."""

    owner: Owner
    patience: float
    document: Mapping[str, Any] | None = None
    digest: str | None = None
    fault: Why | None = _NOTHING_YET
    looked_at: float = float("-inf")  # monotonic; what is there now was read no earlier
    other_since: float | None = None

    @property
    def revision(self) -> str:
        """Give the revision of the data that is to be there."""
        return str(self.document["revision"]) if self.document else ""


def strangers(owner: Owner, held: Sequence[HeldPolicy], ours: frozenset[str]) -> Iterator[HeldPolicy]:
    """Give the modules that could answer in an owner's place and were not put there; ``ours`` are all that were."""
    for policy in held:
        if policy.id not in ours and (policy.id.startswith(owner.prefixes) or _meets(policy, owner)):
            yield policy


def compare(holding: Holding, held: Sequence[HeldPolicy], found: Sequence[Any], ours: frozenset[str]) -> Verdict:
    """Say how a server's modules and data compare with an owner's.

    Args:
        holding: what was put there.
        held: every module of the server.
        found: the value of :attr:`Owner.query`.
        ours: the ids of all modules that this process has put there, for whomever.
    """
    if holding.digest is None:  # it was never there
        return Verdict.LOST
    wanted = dict(holding.owner.modules)
    there = {policy.id: policy.raw for policy in held if policy.id in wanted}
    if any(strangers(holding.owner, held, ours)) or any(wanted[name] != text for name, text in there.items()):
        return Verdict.RULES
    if there.keys() != wanted.keys():
        return Verdict.RULES if found else Verdict.LOST
    if not found:
        return Verdict.LOST
    digest, revision, more = found[0]
    if more:
        return Verdict.DATA
    if revision != holding.revision:
        return Verdict.OTHER_DATA
    return Verdict.OURS if digest == holding.digest else Verdict.DATA


def _meets(policy: HeldPolicy, owner: Owner) -> bool:
    """Say whether a module's package is one of an owner's, below one or above one; one without a package is."""
    try:
        package = package_of(policy.tree)
    except RegoFault:
        return True
    shortest = (min(len(package), len(own)) for own in owner.packages)
    return any(package[:size] == own[:size] for own, size in zip(owner.packages, shortest, strict=True))
