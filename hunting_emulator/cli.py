"""The command `hunting-emulator`: serve until interrupted, and print the settings for a tap."""

import logging
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import click
import msgspec

from hunting_emulator.control import changed
from hunting_emulator.emulator import Emulator
from hunting_emulator.parser.command import parser
from hunting_emulator.settings import (
    CLIENT_SECRET,
    Limits,
    Settings,
    Tenant,
    Wire,
    made_up,
    tenant_of,
)

_ANNOUNCEMENT: Final = """\
Listening on {url}
  Graph      {graph_url}/security/runHuntingQuery
  Defender   {defender_url}/advancedhunting/run
  Control    {url}/_emulator/health

Let clients trust its certificate authority:

  export REQUESTS_CA_BUNDLE={ca_file}

and set in the tap's config:

  {whose},
  "client_id": "{client_id}",
  "client_secret": "{client_secret}",
  "api_url": "{url}",
  "authority_url": "{authority_url}"
"""
_OPEN: Final = (
    "on {}, other machines reach this emulator, and whoever reaches it can read its rows and give "
    "it orders by /_emulator"
)
_KNOWN: Final = "; its client secret is published, and anybody can sign in with it"
_PRINTED: Final = (
    "url",
    "graph_url",
    "defender_url",
    "authority_url",
    "ca_file",
    "client_id",
    "client_secret",
)
_TENANTS: Final = "tenants.json"
_TIMES: Final = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


class NamedFile(click.ParamType[tuple[str, Path]]):
    """`TABLE=FILE`, `URL=FILE`: a name and a file, either with equals signs of its own."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.name = f"{kind.upper()}=FILE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Take the text apart; the file must be there."""
        text = str(value)
        pairs = [
            (text[: found.start()], Path(text[found.end() :])) for found in re.finditer("=", text)
        ]
        given = next((pair for pair in pairs if pair[1].is_file()), None)
        if given is None:
            self.fail(f"{value!r} is not a {self._kind}, an equals sign and a file", param, ctx)
        return given


@click.group(invoke_without_command=True, context_settings={"show_default": True})
@click.option("--port", default=8443, help="Port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--rows", default=100_000, help="Rows to make up, over all tables.")
@click.option("--days", default=30, help="Days that the rows spread over, up to now.")
@click.option("--seed", default=1, help="The same seed makes the same rows.")
@click.option("--anchor", type=click.DateTime(_TIMES), help="Now, for the rows, in UTC.")
@click.option(
    "--tenants",
    type=click.IntRange(1),
    default=1,
    help="Tenants to make up, each with rows of its own.",
)
@click.option(
    "--tenants-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A JSON list of tenants, in the place of those that are made up.",
)
@click.option(
    "--workspaces",
    type=click.IntRange(0),
    default=0,
    help="Sentinel workspaces of each tenant that is made up.",
)
@click.option(
    "--load", "files", type=NamedFile("table"), multiple=True, help="Rows to add to a table."
)
@click.option(
    "--external",
    "externals",
    type=NamedFile("url"),
    multiple=True,
    help="What `externaldata` finds at a URL.",
)
@click.option(
    "--ca-file",
    type=_FILE,
    default=Path(".hunting-emulator/ca.pem"),
    help="Where to write the certificate that clients have to trust.",
)
@click.option("--ready-file", type=_FILE, help="Written, with the URL, once it listens.")
@click.option(
    "--latency",
    "latency_seconds",
    default=Wire().latency_seconds,
    help="Seconds added to each answer.",
)
@click.option("--row-cap", default=Limits().row_cap, help="Most rows of a result.")
@click.option("--result-bytes", default=Limits().result_bytes, help="Most bytes of a result.")
@click.option("--calls-per-minute", default=Limits().calls_per_minute, help="Quota of a tenant.")
@click.option("--calls-per-hour", default=Limits().calls_per_hour, help="Quota of a tenant.")
@click.option("--retention-days", default=Limits().retention_days, help="How far back data goes.")
@click.option(
    "--sentinel-retention-days",
    default=Limits().sentinel_retention_days,
    help="How far back the tables of Sentinel go.",
)
@click.pass_context
def main(  # noqa: PLR0913 - an option each
    context: click.Context,
    /,
    *,
    port: int,
    host: str,
    rows: int,
    days: int,
    seed: int,
    anchor: datetime | None,
    tenants: int,
    tenants_file: Path | None,
    workspaces: int,
    files: Sequence[tuple[str, Path]],
    externals: Sequence[tuple[str, Path]],
    ca_file: Path,
    ready_file: Path | None,
    **limits: float,
) -> None:
    """Serve advanced hunting from this machine until interrupted."""
    if context.invoked_subcommand is not None:
        return
    emulator = Emulator(
        rows=rows,
        days=days,
        seed=seed,
        anchor=anchor,
        port=port,
        host=host,
        ca_file=ca_file.absolute(),
        settings=changed(Settings(_tenants(tenants, tenants_file, workspaces)), limits),
        externals={url: path.read_text("utf-8-sig", "replace") for url, path in externals},
    )
    logging.basicConfig(format="%(message)s")
    logging.getLogger("hunting_emulator").setLevel(logging.INFO)
    with _told_to_stop() as told, emulator:
        if not is_loopback(host):
            click.echo(f"Warning: {_OPEN.format(host)}{_KNOWN * _is_known(emulator)}", err=True)
        load(emulator, files)
        announce(emulator, ready_file)
        _wait(told)
    click.echo("Stopped")


main.add_command(parser)


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.com")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_known(emulator: Emulator) -> bool:
    applications = (a for tenant in emulator.settings.tenants for a in tenant.applications)
    return any(s.value == CLIENT_SECRET for a in applications for s in a.secrets)


def _tenants(count: int, file: Path | None, workspaces: int) -> tuple[Tenant, ...]:
    if file is None:
        return made_up(count, workspaces=workspaces)
    try:
        listed = msgspec.json.decode(file.read_bytes(), type=list[dict[str, Any]])
        known = tuple(tenant_of(**tenant) for tenant in listed)
    except (TypeError, msgspec.MsgspecError) as error:
        msg = f"{file}: {error}"
        raise click.ClickException(msg) from error
    if not known:
        msg = f"{file}: lists no tenant"
        raise click.ClickException(msg)
    return known


@contextmanager
def _told_to_stop() -> Iterator[SimpleQueue[int]]:
    """Put SIGINT and SIGTERM into a queue while the context lasts.

    An event that a handler sets while its own thread begins to wait may lock the thread for ever.
    """
    told = SimpleQueue[int]()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: told.put(number)) for number in signals]
    try:
        yield told
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _wait(told: SimpleQueue[int]) -> None:
    """Wait for a signal; a signal just before a wait is seen at the end of the wait."""
    while True:
        with suppress(Empty):
            told.get(timeout=0.5)
            return


def load(emulator: Emulator, files: Sequence[tuple[str, Path]]) -> None:
    """Make the first tenant's rows, and add those of the files."""
    engine = emulator.engine
    for table, path in files:
        try:
            engine.load(table, rows_of(path.read_bytes()))
        except (ValueError, msgspec.MsgspecError) as error:
            msg = f"{path}: {error}"
            raise click.ClickException(msg) from error


def rows_of(text: bytes) -> list[dict[str, Any]]:
    """Read rows from a JSON array or from JSON lines.

    >>> rows_of(b'[{"n": 1}]') == rows_of(b'{"n": 1}')
    True
    """
    if text.lstrip().startswith(b"["):
        return msgspec.json.decode(text, type=list[dict[str, Any]])
    return msgspec.json.Decoder(dict[str, Any]).decode_lines(text)


def announce(emulator: Emulator, ready_file: Path | None) -> None:
    """Print the settings that clients need, and write the file that scripts wait for."""
    known = {name: getattr(emulator, name) for name in _PRINTED}
    click.echo(_ANNOUNCEMENT.format_map({**known, "whose": _whose(emulator)}))
    if ready_file is not None:
        ready_file.write_text(emulator.url, "utf-8")


def _whose(emulator: Emulator) -> str:
    """Return the setting that names the tenants; of several tenants, write the file named there."""
    tenants = emulator.settings.tenants
    if len(tenants) == 1:
        return f'"tenant_id": "{emulator.tenant_id}"'
    file = Path(emulator.ca_file).with_name(_TENANTS)
    usual = {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
    listed = [_listed(tenant, {**usual, "name": ""}) for tenant in tenants]
    file.write_bytes(msgspec.json.format(msgspec.json.encode(listed)))
    return f'"tenants_file": "{file}"'


def _listed(tenant: Tenant, usual: Mapping[str, str]) -> dict[str, str]:
    """Return a tenant as the tap lists tenants, without members that have the usual value."""
    application = tenant.applications[0]
    said = {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "client_id": application.client_id,
        "client_secret": application.secrets[0].value,
    }
    return {key: value for key, value in said.items() if value != usual.get(key)}
