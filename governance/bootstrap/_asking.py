"""Wires what asks people: who they are, where they are written to, and by which ways."""

import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from governance.alerts import AlertService
from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.errors import ConfigurationError, Fault
from governance.federation import StaffMember
from governance.inquiries import Channel, Inquiries, Outbox, Pace, Recipients, Tending
from governance.inquiries.channels import MailChannel, WebhookChannel
from governance.outbound import MailServer, MailTls
from governance.settings import Settings, mail_credential, variable
from governance.storage import shared_now


def make_outbox(infrastructure: Infrastructure, registers: Registers) -> Outbox:
    return Outbox(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        instant=lambda session: shared_now(session, infrastructure.clock.now()),
        recipients=make_recipients(infrastructure, registers),
        channels=make_channels(infrastructure, registers),
        base_url=infrastructure.settings.issuer,
        metrics=infrastructure.metrics,
    )


def make_inquiries(
    infrastructure: Infrastructure, registers: Registers, alerts: AlertService, outbox: Outbox
) -> Inquiries:
    return Inquiries(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        vault=infrastructure.vault,
        log=infrastructure.audit,
        search=infrastructure.audit_search,
        alerts=alerts,
        recipients=make_recipients(infrastructure, registers),
        outbox=outbox,
        metrics=infrastructure.metrics,
        pace=_pace(infrastructure.settings),
        random=secrets.token_bytes,
    )


def make_tending(infrastructure: Infrastructure, registers: Registers, outbox: Outbox) -> Tending:
    return Tending(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        instant=lambda session: shared_now(session, infrastructure.clock.now()),
        recipients=make_recipients(infrastructure, registers),
        outbox=outbox,
        pace=_pace(infrastructure.settings),
    )


def make_recipients(infrastructure: Infrastructure, registers: Registers) -> Recipients:
    return Recipients(registers.federation, registers.contacts, _manager_of, infrastructure.settings.privacy_mailboxes)


def make_channels(infrastructure: Infrastructure, registers: Registers) -> list[Channel]:
    """Make the ways that the settings open; none of them is open unless they say so."""
    settings, outbound, clock = infrastructure.settings, infrastructure.outbound, infrastructure.clock
    channels: list[Channel] = []
    if settings.mail_host is not None and settings.mail_sender is not None:
        channels.append(MailChannel(outbound, _mail_server(settings, settings.mail_host), settings.mail_sender, clock))
    if settings.webhook_url is not None:
        key = registers.message_keys.present
        channels.append(
            WebhookChannel(
                outbound,
                settings.webhook_url,
                lambda url, headers, body: key.signed(url, headers, body, clock.now()),
            )
        )
    return channels


def _mail_server(settings: Settings, host: str) -> MailServer:
    """Give the relay. Raises ConfigurationError when its credentials cannot be read."""
    credential = None if settings.mail_credentials is None else mail_credential(Path(settings.mail_credentials))
    if settings.mail_credentials is not None and credential is None:
        raise ConfigurationError([Fault(variable("mail_credentials"), "holds no user and password")])
    own_name = urlsplit(settings.issuer).hostname or "localhost"
    return MailServer(host, settings.mail_port, MailTls(settings.mail_tls), credential, own_name)


def _pace(settings: Settings) -> Pace:
    return Pace(remind_after=timedelta(seconds=settings.inquiry_remind_after))


def _manager_of(member: StaffMember) -> str | None:
    """Give the pseudonym of a manager: of the staff feed's ``manager``, where the register keeps it."""
    found = getattr(member, "manager", None)
    return found if isinstance(found, str) else None
