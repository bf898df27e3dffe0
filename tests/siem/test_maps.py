"""The maps are KQL that Microsoft takes, that windows may bound, and that the page shows."""

from collections.abc import Iterator

import pytest

from siem_maps.fields import Field, Map
from siem_maps.files import MAPS, PAGE, page, queries
from tap_m365hunting import kql
from tap_m365hunting.kql import Mode
from tests.kql import microsoft
from tests.siem.events import TABLES, company, events, leaves, map_name

FEW = 40
# one of each form; `make siem-maps` runs all of them
RUN = [each for each in MAPS if map_name(each) in ("ecs-EmailEvents", "ocsf-UrlClickEvents")]


@pytest.fixture(scope="module")
def parser() -> Iterator[microsoft.Parser]:
    """Give Microsoft's parser, with the tables that the emulator has."""
    if why := microsoft.why_not():
        pytest.skip(why)
    with microsoft.started() as running:
        yield running


def test_files_are_those_of_the_maps() -> None:
    """A map that changes changes its query and the page; `make docs` writes both."""
    for path, text in (*queries().items(), *page().items()):
        assert path.read_text("utf-8") == text, path.name


def test_no_other_query_lies_beside_them() -> None:
    """A query whose map is gone is gone, too."""
    folders = {path.parent for path in queries()}

    assert {path for folder in folders for path in folder.iterdir()} == set(queries())


def test_both_schemas_have_the_same_tables() -> None:
    """Who changes from one SIEM to another finds the same streams."""
    tables = {
        name: [each.table for each in MAPS if each.schema == name] for name in ("ecs", "ocsf")
    }

    assert tables == {"ecs": [*TABLES], "ocsf": [*TABLES]}
    assert len(TABLES) == 11


@pytest.mark.parametrize(
    "text", queries().values(), ids=[f"{p.parent.name}-{p.stem}" for p in queries()]
)
def test_query_may_be_read_by_windows(text: str) -> None:
    """No setting is needed for it, and none is warned of."""
    verdict = kql.assess(kql.read(text))

    assert (verdict.mode, verdict.cursor, verdict.problems) == (Mode.INCREMENTAL, "Timestamp", ())


def test_queries_are_kql_for_microsoft(parser: microsoft.Parser) -> None:
    """No error, and no column of the result that the parser cannot know."""
    for path, text in queries().items():
        checked = parser.check(text)

        assert (checked["errors"], checked["open"]) == ([], False), path


@pytest.mark.parametrize("wanted", RUN, ids=map_name)
def test_events_hold_no_null_and_nothing_empty(wanted: Map) -> None:
    """What a schema would refuse is left out, at any depth."""
    made = events(wanted, FEW)

    assert len(made) >= FEW
    empty = {path for event in made for path, value in leaves(event) if value in (None, {}, [])}
    assert empty == set()


@pytest.mark.parametrize("wanted", RUN, ids=map_name)
def test_events_have_fields_of_the_map_alone(wanted: Map) -> None:
    """The page's table tells all that comes."""
    known = {each.dotted for each in wanted.fields}

    found = {path for event in events(wanted, FEW) for path, _ in leaves(event)}

    assert {
        path for path in found if not any(path == k or path.startswith(f"{k}.") for k in known)
    } == set()


def test_envelope_holds_the_row() -> None:
    """As the Streaming API writes it: when, which table, and the row as it is."""
    text = queries()[PAGE.parents[1] / "queries/streaming/alert_info.kql"]
    engine = company("AlertInfo", FEW)
    now = "2026-03-01T10:30:00Z"
    result = engine.run(text, now=now)

    row = dict(zip([c.name for c in result.columns], next(result.rows()), strict=True))

    whole = next(engine.run("AlertInfo | project properties = pack_all()", now=now).rows())
    assert (row["category"], row["operationName"]) == ("AdvancedHunting-AlertInfo", "Publish")
    assert row["properties"] == whole[0]
    assert str(row["time"]).startswith("2026-")


def test_field_of_no_kind_is_refused() -> None:
    """A slip in a map is told where it is."""
    with pytest.raises(ValueError, match="No kind of field: txt"):
        Field.parsed("process.name txt FileName")
