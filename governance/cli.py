"""The command line: one thin command for each job, each loaded only when it is asked for."""

from collections.abc import Mapping
from importlib import import_module

import click

from governance import __version__

COMMANDS: Mapping[str, str] = {
    "agreements": "agreements:agreements",
    "check-settings": "serving:check_settings",
    "check-tenant": "tenant:check_tenant",
    "demo": "demo:demo",
    "demo-token": "demo_token:demo_token",
    "detection": "detection:detection",
    "evaluate": "evaluate:evaluate",
    "export": "log:export",
    "federation": "federation:federation",
    "holds": "holds:holds",
    "identity-provider": "identity:identity_provider",
    "keys": "keys:keys",
    "log-key": "log:log_key",
    "migrate": "migrate:migrate",
    "persons": "persons:persons",
    "quarantine": "quarantine:quarantine",
    "restore-fence": "restore_fence:restore_fence",
    "serve": "serving:serve",
    "sessions": "sessions:sessions",
    "settings": "settings_page:settings_page",
    "simulate": "simulate:simulate",
    "studies": "studies:studies",
    "verify-log": "log:verify_log",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of ``governance.commands``, imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give every command's name, alphabetical."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(f"governance.commands.{module}"), attribute)
        assert isinstance(found, click.Command)  # noqa: S101  the table above names commands only
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imaging-governance")
def main() -> None:
    """Imaging governance: agreements enforced, access brokered, every image access audited."""
