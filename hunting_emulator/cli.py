"""The command `hunting-emulator`: serve until interrupted, and say how to aim a tap at it."""

import signal
import threading
from pathlib import Path
from typing import Any, Final

import click

from hunting_emulator.emulator import Emulator

_ANNOUNCEMENT: Final = """\
Listening on {url}
Graph        {graph_url}/security/runHuntingQuery
Defender     {defender_url}/advancedhunting/run
Control      {url}/_emulator/health

Trust its certificate authority:

  export REQUESTS_CA_BUNDLE={ca_file}

and set in the tap's config:

  "tenant_id": "{tenant_id}",
  "client_id": "{client_id}",
  "client_secret": "{client_secret}",
  "api_url": "{url}",
  "authority_url": "{authority_url}"
"""


@click.command(context_settings={"show_default": True})
@click.option("--port", default=8443, help="Port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".hunting-emulator/ca.pem"),
    help="Where to write the certificate that clients have to trust.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written with the URL once it listens.",
)
def main(*, port: int, host: str, ca_file: Path, ready_file: Path | None) -> None:
    """Serve advanced hunting from this machine until interrupted."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Emulator(port=port, host=host, ca_file=ca_file.absolute()) as emulator:
        click.echo(announcement(emulator))
        if ready_file is not None:
            ready_file.write_text(emulator.url, "utf-8")
        ended.wait()
    click.echo("Stopped")


def announcement(emulator: Emulator) -> str:
    """Return what to set, to call this emulator."""
    names: tuple[str, ...] = (
        "url",
        "graph_url",
        "defender_url",
        "authority_url",
        "ca_file",
        "tenant_id",
        "client_id",
        "client_secret",
    )
    values: dict[str, Any] = {name: getattr(emulator, name) for name in names}
    return _ANNOUNCEMENT.format_map(values)
