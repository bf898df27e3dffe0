"""The forms of a state and of a catalog: what is wrong in one, each with its place. Pure.

Held to before a run begins: the SDK takes what stands there for what it wrote itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Programs that wrap a state, by the key under which each has the state.
_WRAPPED: Final = {
    "value": "is a STATE line as the tap writes it",
    "singer_state": "is a state as `meltano state get` prints it",
}
_ANEW: Final = "to read the stream anew remove it"
_SCHEMA: Final = "must be an object with properties, each an object"
_OF_SCHEMAS: Final = ("anyOf", "oneOf", "allOf")
# Keys of a schema with other schemas inside
_HOLDERS: Final[Mapping[str, tuple[type, str]]] = {
    "properties": (dict, "an object"),
    **dict.fromkeys(_OF_SCHEMAS, (list, "a list")),
}


def state_problems(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each problem of a state."""
    if state and "bookmarks" not in state:
        yield from (
            f"{what}; keep what stands in its `{k}`" for k, what in _WRAPPED.items() if k in state
        )
        if not _WRAPPED.keys() & state.keys():
            yield "is no state, which has `bookmarks`; to read all anew leave --state out"
        return
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict):
        yield "bookmarks: must be an object"
        return
    for stream, bookmark in bookmarks.items():
        for problem in _bookmark_problems(bookmark):
            yield f"bookmarks.{stream}{problem}; {_ANEW}"


def _bookmark_problems(bookmark: object) -> Iterator[str]:
    if not isinstance(bookmark, dict):
        yield ": must be an object"
        return
    yield from _value_problems(bookmark)
    parts = bookmark.get("partitions", [])
    if not isinstance(parts, list):
        yield ".partitions: must be a list"
        return
    for number, part in enumerate(parts):
        place = f".partitions[{number}]"
        if isinstance(part, dict) and isinstance(context := part.get("context"), dict):
            yield from (f"{place}{problem}" for problem in _value_problems(part))
            if not isinstance(context.get("tenant_id", ""), str):
                yield f"{place}.context.tenant_id: must be a string"
        else:
            yield f"{place}: must be an object with a context, an object"


def _value_problems(bookmark: Mapping[str, Any]) -> Iterator[str]:
    if "replication_key" in bookmark:
        for key in ("replication_key", "replication_key_value"):
            if not isinstance(bookmark.get(key), str):
                yield f".{key}: must be a string"
    if not isinstance(bookmark.get("progress_markers", {}), dict):
        yield ".progress_markers: must be an object"
    holes = bookmark.get("holes", [])
    if not (isinstance(holes, list) and all(isinstance(hole, dict) for hole in holes)):
        yield ".holes: must be a list of objects"


def catalog_problems(streams: object) -> Iterator[str]:
    """Yield a line for each problem of a catalog's `streams`."""
    if not isinstance(streams, list):
        yield "streams: must be a list"
        return
    for number, entry in enumerate(streams):
        place = f"streams[{number}]"
        if isinstance(entry, dict):
            yield from (f"{place}.{line}" for line in _entry_problems(entry))
        else:
            yield f"{place}: must be an object"


def _entry_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    name = entry.get("tap_stream_id")
    if not isinstance(name, str):
        yield "tap_stream_id: must be a string"
    elif entry.get("stream", name) != name:
        yield (
            f"stream: must be the tap_stream_id, {name!r}; a stream is renamed in queries, or by "
            "a stream map"
        )
    yield from _key_problems(entry)
    schema = entry.get("schema")
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        yield from _schema_problems(schema, "schema")
    else:
        yield f"schema: {_SCHEMA}"
    yield from _metadata_problems(entry.get("metadata"))


def _key_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in ("replication_key", "replication_method"):
        if not isinstance(entry.get(key), str | None):
            yield f"{key}: must be a string"
    keys = entry.get("key_properties")
    if keys is not None and not _are_texts(keys):
        yield "key_properties: must be a list of strings"


def _schema_problems(schema: object, place: str) -> Iterator[str]:
    """Yield the problems of a schema and of those in it, whose depth was bounded when read."""
    if not isinstance(schema, dict):
        yield f"{place}: must be an object"
        return
    types = schema.get("type", [])
    if not isinstance(types, str) and not _are_texts(types):
        yield f"{place}.type: must be a string, or a list of strings"
    for key, (kind, said) in _HOLDERS.items():
        if not isinstance(schema.get(key, kind()), kind):
            yield f"{place}.{key}: must be {said}"
    for inner, where in _inner_schemas(schema):
        yield from _schema_problems(inner, f"{place}.{where}")


def _inner_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[object, str]]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        yield from ((inner, f"properties.{name}") for name, inner in properties.items())
    if "items" in schema:
        yield schema["items"], "items"
    for key in _OF_SCHEMAS:
        listed = schema.get(key)
        if isinstance(listed, list):
            yield from ((inner, f"{key}[{number}]") for number, inner in enumerate(listed))


def _metadata_problems(metadata: object) -> Iterator[str]:
    if not isinstance(metadata, list | None):
        yield "metadata: must be a list"
        return
    for number, entry in enumerate(metadata or []):
        fits = isinstance(entry, dict) and isinstance(entry.get("metadata"), dict)
        if not fits or not _are_texts(entry.get("breadcrumb")):
            yield (
                f"metadata[{number}]: must be an object with a breadcrumb, a list of strings, and "
                "metadata, an object"
            )


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
