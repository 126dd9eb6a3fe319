"""The settings of what goes out to people: mail, the webhook, and when somebody is reminded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from governance.settings.addresses import MailAddress, Mailboxes, WebhookUrl
from governance.settings.values import AbsoluteFile, Host, Port, Seconds


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


class AskingSettings(BaseSettings):
    """What the service needs to know to write to people; without it nobody is written to."""

    mail_host: Annotated[
        Host | None, Field(description="Mail server (relay) that messages to people are handed to. Unset: no mail.")
    ] = None
    mail_port: Annotated[Port, Field(description="Port of the mail server.")] = 587
    mail_tls: Annotated[
        Literal["starttls", "tls", "none"],
        Field(description="How the line to the mail server is secured; `none` to this machine alone."),
    ] = "starttls"
    mail_sender: Annotated[MailAddress | None, Field(description="Address that mail comes from.")] = None
    mail_credentials: Annotated[
        AbsoluteFile,
        Field(description="File with the user and, on the next line, the password for the mail server. Unset: none."),
    ] = None
    privacy_mailboxes: Mailboxes = Field(
        default_factory=_none,
        description="Mailbox of each trust's privacy team, who hand on what is for somebody without an address here.",
    )
    webhook_url: Annotated[
        WebhookUrl, Field(description="URL that gets each message to people as a signed POST. Unset: none does.")
    ] = None
    webhook_key_generation: Annotated[
        int,
        Field(ge=1, description="Number of the key that signs those; raise it once every receiver holds the next key."),
    ] = 1
    inquiry_remind_after: Annotated[
        Seconds,
        Field(
            ge=60,
            le=1_209_600,
            description="Seconds without an answer after which a manager is reminded of a question, twice at most.",
        ),
    ] = 259_200.0
