"""A trust's identity provider, small but real: an OpenID Connect issuer that runs as a process of its own.

Rules:

1. One process serves several issuers, one a trust, at ``/{ods}``. Each has its own key; no issuer can sign for another.
2. Authorization code flow only, with PKCE S256 and a nonce; a code is good once, for a minute, for the client, the
   redirect address and the issuer it was made for (OpenID Connect Core 1.0, RFC 7636, RFC 9700).
3. Redirect addresses are registered; only the port of a loopback address may differ (RFC 8252 section 7.3).
4. ID tokens carry the claims of NHS CIS2. ``selected_roleid`` names the role that was picked, never simply the first.
5. There are no passwords: accounts are invented and picked from a list. It is for demonstrations and tests, and binds
   to a loopback address unless another is given. Tokens without a browser come only from one started with ``--demo``.

Example: ``create_application(Provider(load_accounts(), "http://127.0.0.1:8081"))``.
"""

from governance.simulation.identity_provider.accounts import Account, AccountRole, Accounts, load_accounts
from governance.simulation.identity_provider.application import create_application
from governance.simulation.identity_provider.command import command
from governance.simulation.identity_provider.provider import Provider

__all__ = ["Account", "AccountRole", "Accounts", "Provider", "command", "create_application", "load_accounts"]
