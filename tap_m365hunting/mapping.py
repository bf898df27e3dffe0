"""Stream maps: which streams they are for, and their set-up at the start of a run."""

from copy import deepcopy
from typing import Final

from singer_sdk.exceptions import ConfigValidationError, MapExpressionError, StreamMapConfigError
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import PluginMapper, RemoveRecordTransform
from singer_sdk.singerlib import Catalog, CatalogEntry

_MAPS: Final = "stream_maps"
_LENGTH: Final = "flattening_max_key_length"
_WRONG_MAP = (MapExpressionError, StreamMapConfigError)


def register_streams(mapper: PluginMapper, catalog: Catalog) -> None:
    """Give each stream of the catalog its maps.

    The SDK leaves a deselected stream no column, so that a map for `*` fails on its key. Here such
    a stream has its columns; if a map does not fit them, no record of the stream is ever written.

    Raises:
        ConfigValidationError: a map does not fit a stream that is read, or two flattened columns
            of a stream have one name.
    """
    for entry in catalog.streams:
        deselected = not entry.metadata.resolve_selection()[()]
        try:
            _register(mapper, _selected(entry) if deselected else entry)
        except ValueError as error:  # flattened names are shortened, until two are the same
            raise _refusal(_LENGTH, entry, error) from error
        except _WRONG_MAP as error:
            if not deselected:
                raise _refusal(_MAPS, entry, error) from error
            none = RemoveRecordTransform(
                stream_alias=entry.tap_stream_id,
                raw_schema=entry.schema.to_dict(),
                key_properties=None,
                flattening_options=mapper.flattening_options,
            )
            mapper.stream_maps[entry.tap_stream_id] = [none]


def _refusal(setting: str, entry: CatalogEntry, error: Exception) -> ConfigValidationError:
    msg = f"{setting}: stream {entry.tap_stream_id}: {error}"
    return ConfigValidationError(msg, errors=[msg], schema={})


def _selected(entry: CatalogEntry) -> CatalogEntry:
    selected = deepcopy(entry)
    selected.metadata.root.selected = True
    return selected


def _register(mapper: PluginMapper, entry: CatalogEntry) -> None:
    schema = get_selected_schema(
        entry.tap_stream_id, entry.schema.to_dict(), entry.metadata.resolve_selection()
    )
    mapper.register_raw_stream_schema(entry.tap_stream_id, schema, entry.key_properties)
