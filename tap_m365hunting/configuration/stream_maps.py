"""The keys of `stream_maps`, held against the streams that there are.

Pure. A misspelt key would leave a column unmasked without a word.
"""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch
from typing import Any, Final

from tap_m365hunting.configuration.validation import nearest

_SOURCE: Final = "__source__"


def stream_map_problems(maps: object, streams: Collection[str]) -> Iterator[str]:
    """Yield a line for each key that is for no stream; `*` and `?` in a key match as in a shell.

    >>> list(stream_map_problems({"alrets": {}}, ["alerts"]))
    ["stream_maps.alrets: there is no such stream (did you mean 'alerts'?)"]
    """
    if not isinstance(maps, Mapping):
        return
    for key, definition in maps.items():
        source = _source(key, definition)
        if not key.startswith("__") and not any(fnmatch(name, source) for name in streams):
            yield f"stream_maps.{key}: there is no such stream{nearest(source, streams)}"


def _source(key: str, definition: Any) -> str:  # noqa: ANN401 - JSON
    named = definition.get(_SOURCE) if isinstance(definition, Mapping) else None
    return named if isinstance(named, str) else key
