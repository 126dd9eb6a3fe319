"""Emergency: grants of minutes, each for one person, one study, one action, one purpose, under one clause.

Rules of this room:

1. A grant opens nothing. It is an attribute of the next evaluation, and policy decides what it is worth then.
2. A grant ends: at its own instant, when it is revoked, or with what policy says of its clause, whichever comes first.
3. One denial leads to one grant. The same submission again gets the same grant; another body under its key, none.
4. A grant and its end are in the audit log in the same commit as the change.
5. Nothing identifying is kept: people and studies are pseudonyms, and the reason is sealed in the log alone.

Example: ``emergency.give(grant, submission, event)``, then ``emergency.running(session, grant.scope, now)`` has it.
"""

from governance.emergency.grant import Grant, Scope, Submission
from governance.emergency.service import EmergencyGrants, Repeated

__all__ = ["EmergencyGrants", "Grant", "Repeated", "Scope", "Submission"]
