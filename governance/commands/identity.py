"""The demo's identity providers, from the command line."""

from governance.simulation.identity_provider import command as identity_provider

__all__ = ["identity_provider"]
