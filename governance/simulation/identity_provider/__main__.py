"""Run the identity provider: ``python -m governance.simulation.identity_provider``."""

from governance.simulation.identity_provider.command import command

command(prog_name="identity-provider")
