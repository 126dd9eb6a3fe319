"""Outbound: the one client for calls to strangers, which are trusted with nothing.

Rules of this room:

1. A call has one total in seconds: slot, name, connection, TLS, question, headers and every byte of the body. A
   stranger that drips is cut off like one that is silent.
2. An answer has a limit in bytes, for what is declared, what comes in and what it decompresses to.
3. The address that is connected to is judged, at that moment: public ones may be called; loopback, link-local, private,
   multicast and reserved ones only for hosts registered with that network (``Peers``). A name is looked up once, and
   TLS verifies the name.
4. https, or http on loopback. No redirect, no proxy, no ``.netrc``: where the call leads is what was written down here.
5. A host gets so many calls at once; whoever waits for a slot waits within the total.
6. Documents that are needed again and again are served while they are renewed, and a failure is not repeated at once
   (``Documents``).
7. Mail goes by the same rules: one total, judged addresses, TLS unless the server is this machine.
8. Every way to fail is one typed error (``OutboundFailed``) in words of ours, and every call is counted by its purpose
   and outcome.

9. Hardly any other room opens a connection; a test names the few that do, and why. A library with a session of its own
   gets our limits by ``outbound.equip(session, CallPurpose.SIGN_IN)``.

Example: ``Outbound(Peers()).get(CallPurpose.JWKS, "https://idp.rrk.example/jwks").body``.
"""

from governance.outbound._mail import MailServer, MailTls
from governance.outbound.budget import BUDGETS, Budget, CallPurpose, Deadline, seconds_left, within
from governance.outbound.client import Answer, ClientCertificate, Outbound
from governance.outbound.documents import Documents, Freshness
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import LOOPBACK, IPNetwork, Peers

__all__ = [
    "BUDGETS",
    "LOOPBACK",
    "Answer",
    "Budget",
    "CallOutcome",
    "CallPurpose",
    "ClientCertificate",
    "Deadline",
    "Documents",
    "Freshness",
    "IPNetwork",
    "MailServer",
    "MailTls",
    "Outbound",
    "OutboundFailed",
    "Peers",
    "seconds_left",
    "within",
]
