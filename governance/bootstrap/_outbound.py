"""Wires the outbound client: whom the settings register, and who counts its calls."""

from governance.outbound import LOOPBACK, Outbound, Peers
from governance.settings import Settings
from governance.telemetry import Metrics


def make_outbound(settings: Settings, metrics: Metrics) -> Outbound:
    """Make the client; what the settings name as services of the operator's own needs no second registration."""
    own = [archive.url for archive in settings.dicomweb_archives.values()]
    if settings.opa_url is not None:
        own.append(settings.opa_url)
    if settings.webhook_url is not None:
        own.append(settings.webhook_url)
    if settings.mail_host is not None:
        own.append(f"smtp://{f'[{settings.mail_host}]' if ':' in settings.mail_host else settings.mail_host}")
    loopback = LOOPBACK if settings.profile == "demo" else ()
    return Outbound(Peers((*settings.outbound_peers, *loopback), own), observe=metrics.called_out)
