"""Who sends, whose events it may send, and whose a message is that names its trust loosely or not at all.

1. A sender that is bound to a trust sends the events of that trust and of no other. It need not name it.
2. Any other sender, of the organisation that runs the service or one that proved nothing, sends for every trust. A
   message of another format must then name a registered one.
3. For senders that cannot prove who they are, the settings name the trust of each source. That comes before what a
   message says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from governance.audit import Event
from governance.errors import Fault, InvalidInput
from governance.formats import Context
from governance.pseudonyms import Pseudonymiser


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends.

    Args:
        name: a client's id, or the address of a sender that proved nothing; kept beside what cannot be read.
        ods: the trust it is bound to, None for a sender that is bound to none.
        proven: whether it proved who it is.
    """

    name: str
    ods: str | None = None
    proven: bool = True

    def may_send(self, ods: str) -> bool:
        """Say whether it may send the events of a trust: one rule for every format."""
        return self.ods is None or ods == self.ods


@dataclass(frozen=True, slots=True)
class Trusts:
    """What is registered: the trusts by ODS code, and the trust of each source of senders that prove nothing."""

    registered: Collection[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def check_sender(event: Event, sender: Sender) -> None:
    """Make sure a sender may send an event; raises InvalidInput."""
    if not sender.may_send(event.source.ods):
        raise InvalidInput([Fault("/source/ods", "this caller reports for its own trust only")])


def trust_of(sender: Sender, trusts: Trusts, source_id: str, site: str | None, path: str) -> str:
    """Give the ODS code of the trust a message comes from.

    Args:
        sender: who sent it.
        trusts: what is registered.
        source_id: the source the message names.
        site: the site it names, if any; one that is no registered trust says nothing.
        path: where it names the site.

    Raises:
        InvalidInput: it names a trust this sender may not send for, or none can be made out.
    """
    named = site if site in trusts.registered else None
    if named is not None and not sender.may_send(named):
        raise InvalidInput([Fault(path, "names a trust that this sender may not report for")])
    registered = None if sender.proven else trusts.sources.get(source_id)
    found = sender.ods or registered or named
    if found is None:
        raise InvalidInput([Fault(path, "names no registered trust, and the sender is registered for none")])
    return found


def message_context(pseudonymiser: Pseudonymiser, now: datetime, sender: Sender, trusts: Trusts) -> Context:
    """Make the context in which a message of a sender is read.

    Args:
        pseudonymiser: keys the name of a message that has none, so that no guess at the message can be confirmed.
        now: the recorder's clock.
        sender: who sent it.
        trusts: what is registered.
    """

    def identify(raw: bytes) -> str:
        return "m-" + pseudonymiser.study(f"message/{hashlib.sha256(raw).hexdigest()}").partition("-")[2]

    return Context(now, identify, partial(trust_of, sender, trusts))
