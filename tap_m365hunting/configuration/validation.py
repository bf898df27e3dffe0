"""Problems of a set of settings, in the words of their writer.

Pure. Every problem is found at once and named by its key; a value is shown only where the setting
has a list of values to choose from, so that no secret is ever shown.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tap_m365hunting.configuration.credentials import GUID
from tap_m365hunting.printable import quoted, shown_key

_TYPE_NAMES: Final = {
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_WORD: Final = re.compile(r"[A-Za-z_]{1,10}")
_UNWRITABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def problems(settings: object, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each problem."""
    yield from _unwritable(settings)
    for error in Draft202012Validator(schema).iter_errors(settings):
        where = key_path(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_keys(error, where)
        else:
            yield from _SAYINGS.get(str(error.validator), _as_it_is)(error, where)


def _unwritable(settings: object, where: str = "") -> Iterator[str]:
    """Yield a line for each text unfit for file names and requests."""
    if isinstance(settings, str) and _UNWRITABLE.search(settings):
        yield f"{where}: holds a character that is none (NUL, or half of a surrogate pair)"
    elif isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _unwritable(value, _joined(where, key))
    elif isinstance(settings, list):
        for number, value in enumerate(settings):
            yield from _unwritable(value, f"{where}[{number}]")


def key_path(path: Iterable[str | int]) -> str:
    """Write a place in the settings as a person would.

    >>> key_path(["queries", 0, "name"])
    'queries[0].name'
    """
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _joined(text, part)
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)` with the most similar known word, or an empty text."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _unknown_keys(error: ValidationError, where: str) -> Iterator[str]:
    known = _parts(error)["properties"]
    for key in _given(error):
        if key not in known:
            yield f"{_joined(where, shown_key(key))}: is no setting{nearest(key, known)}"


def _missing_keys(error: ValidationError, where: str) -> Iterator[str]:
    for key in _parts(error)["required"]:
        if key not in _given(error) and f"{key!r} is a required" in error.message:
            yield f"{_joined(where, key)}: is required"


def _wrong_type(error: ValidationError, where: str) -> Iterator[str]:
    declared = _parts(error)["type"]
    names = [declared] if isinstance(declared, str) else declared
    wanted = [_TYPE_NAMES[name] for name in names if name != "null"]
    yield f"{where}: must be {' or '.join(wanted)}"


def _not_offered(error: ValidationError, where: str) -> Iterator[str]:
    if not isinstance(error.instance, str):
        return  # its type is wrong, which is said, and what it holds may be a secret
    offered = [value for value in _parts(error)["enum"] if value is not None]
    # a text that is neither a slip of the pen nor a short word may be a secret
    slip = get_close_matches(error.instance, offered, n=1) or _WORD.fullmatch(error.instance)
    said = f"{error.instance!r} " if slip else ""
    yield f"{where}: {said}is not one of: {', '.join(offered)}"


def _no_name(error: ValidationError, where: str) -> Iterator[str]:
    """Put the patterns of the settings, for names and for ids, into words."""
    if _parts(error)["pattern"] == GUID:
        yield f"{where}: must be a GUID"
        return
    given = quoted(str(error.instance))
    yield f"{where}: {given} must be letters, digits and _, no digit first, at most 63"


def _too_small(error: ValidationError, where: str) -> Iterator[str]:
    yield f"{where}: must be at least {_parts(error)['minimum']:,}"


def _too_large(error: ValidationError, where: str) -> Iterator[str]:
    yield f"{where}: must be at most {_parts(error)['maximum']:,}"


def _no_form(_: ValidationError, where: str) -> Iterator[str]:
    """Name the key alone: the validator's text would quote the whole value."""
    yield f"{where}: has none of the forms that it may have"


def _as_it_is(error: ValidationError, where: str) -> Iterator[str]:
    yield f"{where}: {error.message}"


def _parts(error: ValidationError) -> Mapping[str, Any]:
    """Return the violated part of the schema."""
    schema = error.schema
    return schema if isinstance(schema, Mapping) else {}


def _given(error: ValidationError) -> Mapping[str, Any]:
    """Return the object at fault in the settings."""
    given = error.instance
    return given if isinstance(given, Mapping) else {}


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_SAYINGS: Final[Mapping[str, Callable[[ValidationError, str], Iterator[str]]]] = {
    "required": _missing_keys,
    "type": _wrong_type,
    "enum": _not_offered,
    "pattern": _no_name,
    "minimum": _too_small,
    "maximum": _too_large,
    "anyOf": _no_form,
    "oneOf": _no_form,
}
