"""Every event of a day is valid by the schema's own package, and a broken one is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from siem_maps import ecs
from siem_maps.fields import Map
from siem_maps.files import MAPS
from tests.siem import schemas
from tests.siem.events import Event, events, leaves, map_name

pytestmark = pytest.mark.skipif(bool(schemas.MISSING), reason=schemas.MISSING)

ROWS = 500
FAULTS: dict[str, Callable[[Event], list[str]]] = {
    "ecs": schemas.ecs_faults,
    "ocsf": schemas.ocsf_faults,
}
OCSF = [each for each in MAPS if each.schema == "ocsf"]
ECS = [each for each in MAPS if each.schema == "ecs"]


def without(path: str) -> Callable[[dict[str, Any]], None]:
    """Return a mutation that takes a field away."""
    *above, last = path.split(".")

    def mutation(event: dict[str, Any]) -> None:
        for name in above:
            event = event[name]
        del event[last]

    return mutation


def having(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return a mutation that puts a value where the map would have none of the kind."""
    *above, last = path.split(".")

    def mutation(event: dict[str, Any]) -> None:
        for name in above:
            event = event.setdefault(name, {})
        event[last] = value

    return mutation


@pytest.mark.parametrize("wanted", MAPS, ids=map_name)
def test_every_event_of_a_day_is_valid(wanted: Map) -> None:
    """Those of rows that hardly say anything, too."""
    made = events(wanted, ROWS)

    faults = [fault for event in made for fault in FAULTS[wanted.schema](event)]

    assert len(made) > ROWS // 2
    assert faults == []


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(without("time"), id="without-time"),
        pytest.param(without("metadata.version"), id="without-version"),
        pytest.param(without("class_uid"), id="without-class"),
        pytest.param(having("time", "2026-03-01T00:00:00Z"), id="time-as-text"),
        pytest.param(having("activity_id", 98), id="no-such-activity"),
        pytest.param(having("severity_id", "1"), id="number-as-text"),
        pytest.param(having("severity", None), id="null"),
        pytest.param(having("metadata.product", {}), id="empty-object"),
        pytest.param(having("DeviceName", "x"), id="foreign-field"),
        pytest.param(having("metadata.colour", "x"), id="foreign-field-within"),
    ],
)
@pytest.mark.parametrize("wanted", OCSF, ids=map_name)
def test_broken_ocsf_event_is_caught(
    wanted: Map, break_it: Callable[[dict[str, Any]], None]
) -> None:
    """A validation that takes anything would show nothing."""
    event: dict[str, Any] = copy.deepcopy(dict(events(wanted, ROWS)[0]))
    if "class_uid" in event:
        valid = schemas.ocsf_faults(event)
    break_it(event)

    broken = (
        schemas.ocsf_faults({"class_uid": 0} | event) if "class_uid" in event else ["class_uid"]
    )

    assert valid == []
    assert broken != []


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(having("process.colour", "x"), id="foreign-field"),
        pytest.param(having("event.kind", "thing"), id="value-not-allowed"),
        pytest.param(having("event.category", "file"), id="no-list"),
        pytest.param(having("event.category", ["vulnerability"]), id="category-without-such-type"),
        pytest.param(having("process.pid", "1"), id="number-as-text"),
        pytest.param(having("source.ip", "somewhere"), id="no-address"),
        pytest.param(having("event.action", ""), id="empty"),
        pytest.param(having("event.action", None), id="null"),
        pytest.param(having("@timestamp", "yesterday"), id="no-time"),
    ],
)
def test_broken_ecs_event_is_caught(break_it: Callable[[dict[str, Any]], None]) -> None:
    """Names, types, lists and values are all looked at."""
    event: dict[str, Any] = copy.deepcopy(dict(events(ECS[0], ROWS)[0]))
    assert schemas.ecs_faults(event) == []

    break_it(event)

    assert schemas.ecs_faults(event) != []


@pytest.mark.parametrize("wanted", ECS, ids=map_name)
def test_every_field_of_a_map_is_one_of_ecs(wanted: Map) -> None:
    """Name and type, also of fields that no event of the day has."""
    fields = schemas.ecs_fields()
    known = {each.dotted: fields.get(each.dotted) for each in wanted.fields}

    assert [name for name, field in known.items() if field is None] == []
    for each in wanted.fields:
        about = fields[each.dotted]
        assert ("array" in about["normalize"]) == (
            each.kind == "list" or "pack_array" in each.kql
        ), each
        if each.kind in schemas.TYPES:
            assert about["type"] in schemas.TYPES[each.kind], each


@pytest.mark.parametrize("wanted", MAPS, ids=map_name)
def test_most_fields_of_a_map_are_seen_in_a_day(wanted: Map) -> None:
    """A field whose expression never gives anything would be a promise that is not kept."""
    seen = {path for event in events(wanted, ROWS) for path, _ in leaves(event)}
    promised = {each.dotted for each in wanted.fields if "[]" not in "".join(each.path)}

    missing = {
        name for name in promised if not any(p == name or p.startswith(f"{name}.") for p in seen)
    }

    assert len(missing) < len(promised) * 0.4, missing


def test_version_is_that_of_the_package() -> None:
    """Events say which ECS they are of."""
    text = (schemas.FOLDER / "node_modules/@elastic/ecs/package.json").read_text("utf-8")

    assert f'"version": "{ecs.VERSION}"' in text
