"""The command `hunting-emulator parser`: Microsoft's parser, brought here or looked for."""

import click

from hunting_emulator.parser.folder import VARIABLE, folder, installed
from hunting_emulator.parser.install import InstallError, install


@click.group("parser")
def parser() -> None:
    """Microsoft's own KQL parser, the judge of KQL where installed."""


@parser.command("install")
def install_parser() -> None:
    """Fetch the parser from the npm registry that this machine is set up for."""
    place = folder()
    if place is None:
        msg = f"{VARIABLE} is empty, which means no parser; unset it, or name a folder"
        raise click.ClickException(msg)
    if installed() is None:
        try:
            install(place)
        except (InstallError, OSError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Microsoft's KQL parser is in {place}")
