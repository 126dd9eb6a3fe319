"""What each role may do in the console; the one table."""

from collections.abc import Mapping

from governance.vocabulary import Role, Scope

_READER = frozenset({Scope.ALERTS_READ, Scope.AUDIT_READ, Scope.AGREEMENTS_READ, Scope.LOG_READ})
SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.IG_OFFICER: _READER | {Scope.ALERTS_REVIEW, Scope.ERASURE_HOLD},
    Role.SOC_ANALYST: _READER,
}


def scopes_of(roles: frozenset[Role]) -> frozenset[Scope]:
    """Give what somebody of these roles may do in the console; empty for a role that has no business here."""
    return frozenset(scope for role in roles for scope in SCOPES.get(role, frozenset()))
