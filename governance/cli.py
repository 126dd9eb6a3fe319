"""The command line: one thin command for each job."""

import click

from governance import __version__
from governance.commands.agreements import agreements
from governance.commands.demo import demo, demo_token
from governance.commands.federation import federation
from governance.commands.identity import identity_provider
from governance.commands.keys import keys
from governance.commands.log import export, log_key, verify_log
from governance.commands.quarantine import quarantine
from governance.commands.serving import check_settings, serve
from governance.commands.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imaging-governance")
def main() -> None:
    """Imaging governance: agreements enforced, access brokered, every image access audited."""


for _command in (
    agreements,
    check_settings,
    demo,
    demo_token,
    export,
    federation,
    identity_provider,
    keys,
    log_key,
    quarantine,
    serve,
    simulate,
    verify_log,
):
    main.add_command(_command)
