"""The files that are written from the maps: queries, and the tables of a page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from siem_maps import ecs, kql, ocsf
from siem_maps.fields import Map, snake_case

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "siem.md"
MAPS: Final = (*ecs.MAPS, *ocsf.MAPS)
_NAMES: Final = {
    "ecs": f"the Elastic Common Schema {ecs.VERSION}",
    "ocsf": f"OCSF {ocsf.VERSION}",
}
_MARK: Final = "<!-- {} of the maps, by `make docs` -->\n"
_TYPES: Final = {
    "is": "always",
    "text": "text",
    "ip": "address",
    "whole": "whole number",
    "flag": "boolean",
    "moment": "time",
    "list": "list",
}
_ENVELOPE: Final = """\
// {table} in the envelope of the Streaming API; made by `make docs`.
// The tenant's id is the tap's `tenant_id`.
{table}
| project Timestamp, ['time'] = ingestion_time(), operationName = "Publish",
    category = "AdvancedHunting-{table}", properties = pack_all()
"""


def queries() -> dict[Path, str]:
    """Return the text of each query by its file."""
    mapped = {map_file(each): kql.text(each, _about(each)) for each in MAPS}
    tables = dict.fromkeys(each.table for each in MAPS)
    return mapped | {_file("streaming", table): _ENVELOPE.format(table=table) for table in tables}


def map_file(wanted: Map) -> Path:
    """Return where the query of a map is."""
    return _file(wanted.schema, wanted.table)


def _file(folder: str, table: str) -> Path:
    return ROOT / "queries" / folder / f"{snake_case(table)}.kql"


def _about(wanted: Map) -> str:
    return (
        f"// {wanted.table} as events of {_NAMES[wanted.schema]}; made by `make docs`.\n"
        "// For `dynamic_as: json`, so that objects are nested. docs/siem.md has all fields."
    )


def page() -> dict[Path, str]:
    """Return docs/siem.md with the tables of today between its marks."""
    begin, end = (_MARK.format(word) for word in ("begin", "end"))
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    return {PAGE: "".join((before, begin, "\n", *_tables(), end, after))}


def _tables() -> Iterator[str]:
    for wanted in MAPS:
        name = "ECS" if wanted.schema == "ecs" else "OCSF"
        yield f"### {wanted.table} in {name}\n\n| field | value | from |\n| --- | --- | --- |\n"
        for each in wanted.fields:
            expression = each.kql.replace("|", "\\|")
            yield f"| `{each.dotted}` | {_TYPES[each.kind]} | `{expression}` |\n"
        yield "\n"
