"""Settings: every setting of the service, as the page that documents them."""

import click

from governance.settings import markdown


@click.command("settings")
def settings_page() -> None:
    """Print every setting with its meaning, values and default: the Markdown of docs/settings.md."""
    click.echo(markdown(), nl=False)
