"""How addresses that the service writes to are given: mail addresses, mailboxes of trusts, and the webhook's URL."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator

from governance.settings.faults import WrongValue
from governance.settings.values import LOOPBACK, each_part, split_url, written_as
from governance.vocabulary import mail_address, ods_code


def _mail_address(text: str) -> str | None:
    try:
        return mail_address(text) if text else None
    except ValueError as error:
        raise WrongValue(str(error)) from None


def _mailboxes(text: str) -> Mapping[str, str]:
    """Read ``ODS=address`` pairs; each trust once."""
    mailboxes: dict[str, str] = {}

    def take(number: int, pair: str) -> None:
        ods, _, address = (part.strip() for part in pair.partition("="))
        if ods in mailboxes:
            raise WrongValue(f"pair {number} names a trust that another pair names")
        try:
            mailboxes[ods_code(ods)] = mail_address(address)
        except ValueError as error:
            raise WrongValue(f"pair {number}: {error}") from None

    each_part(text, take)
    return mailboxes


def _webhook_url(text: str) -> str | None:
    """Read where messages are posted; a credential in it would be in the receiver's log."""
    url = split_url(text)
    safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
    if text and (not safe or not url.hostname or "@" in url.netloc or url.fragment or not text.isascii()):
        raise WrongValue("is https outside loopback, without user, password and fragment")
    return text or None


MailAddress = Annotated[str | None, written_as("mail address", _mail_address)]
Mailboxes = Annotated[
    Mapping[str, str],
    written_as("`ODS=address` pairs, separated by commas", _mailboxes),
    AfterValidator(MappingProxyType),
]
WebhookUrl = Annotated[str | None, written_as("URL, https outside loopback", _webhook_url)]
