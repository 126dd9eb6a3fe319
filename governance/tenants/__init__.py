"""Tenants: other people's policies and data behind the same decision point, each under a base of its own.

Rules of this room:

1. A tenant is a folder: a manifest, Rego policies, data. It is whole or the service does not start, with every fault.
2. A tenant's policy sees its own packages and its own data, and nothing of the network's agreements or studies.
3. Closed by default: an error, a time-out, an undefined or malformed answer is a denial, and in a search no answer.
4. Every decision and every search is in the audit log before it is returned: by pseudonyms, under a source of its own,
   and without the authority that an access to images could name.

Example: ``tenants.evaluate_all(tenants.admitted("certification", asker), questions, asker)``.
"""

from governance.tenants.folder import read_tenant, read_tenants
from governance.tenants.service import Hit, TenantAnswer, TenantFound, Tenants
from governance.tenants.tenant import Entity, Question, Tenant

__all__ = [
    "Entity",
    "Hit",
    "Question",
    "Tenant",
    "TenantAnswer",
    "TenantFound",
    "Tenants",
    "read_tenant",
    "read_tenants",
]
