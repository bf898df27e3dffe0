"""Inputs that a command is given by name: settings, state, catalog; from files and variables.

What is wrong with them is said to the person who named them, in a line each, all of it at once.
"""

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final, TextIO

import click
from singer_sdk.helpers._typing import (
    is_array_type,
    is_boolean_type,
    is_integer_type,
    is_object_type,
)
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_m365hunting.configuration.cautions import (
    file_cautions,
    holds_secret,
    twice_cautions,
)
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import (
    ENCODING,
    bounded,
    json_from,
    object_from,
    read_utf8,
    text_from,
)
from tap_m365hunting.configuration.relative_paths import beside
from tap_m365hunting.configuration.validation import nearest
from tap_m365hunting.errors import UnusableInputError
from tap_m365hunting.input_forms import catalog_problems, state_problems

#: Stands among the names of files for the environment.
ENV: Final = "ENV"

_PREFIX: Final = "TAP_M365HUNTING_"
_TRUTHY: Final = frozenset({"true", "1", "yes", "on"})
_FALSY: Final = frozenset({"false", "0", "no", "off"})
# A state has a kilobyte for a tenant, and a catalog a hundred bytes for a column
_MOST_BYTES: Final = 1 << 28
_LOG: Final = logging.getLogger(__name__)


class InputFile(click.File):
    """A file on a command line; a text in the place of its name is not shown."""

    @override
    def convert(
        self,
        value: str | os.PathLike[str] | IO[Any],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> IO[Any]:
        try:
            return super().convert(value, param, ctx)
        except (click.BadParameter, ValueError) as error:
            cause = error.__context__
            why = cause.strerror if isinstance(cause, OSError) else "no file has such a name"
            self.fail(f"{shown_name(str(value))}: {why}", param, ctx)


def settings_of(sources: Iterable[str]) -> dict[str, Any]:
    """Return the settings of several files; later files win.

    Raises:
        UnusableInputError: some files hold no settings.
    """
    given: dict[str, Any] = {}
    wrong: list[str] = []
    for name in sources:
        try:
            given |= {} if name == ENV else _settings_in(name)
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise UnusableInputError(wrong)
    return given


def _settings_in(name: str) -> dict[str, Any]:
    """Return the settings of a file; warn of oddities.

    Raises:
        ValueError: the file holds no settings; a secret in the place of its name is not shown.
    """
    shown, twice = shown_name(name), list[str]()
    try:
        settings = object_from(text_from(partial(read_utf8, Path(name))), twice=twice.append)
    except ValueError as error:
        msg = f"--config {shown} {error}" if shown[0] == "(" else f"{name}: {error}"
        raise ValueError(msg) from error
    holds = "a secret" if holds_secret(settings) else None
    for told in (
        *twice_cautions(name, twice),
        *file_cautions(name, Path(name), holds=holds),
    ):
        _LOG.warning("%s", told)
    return beside(settings, Path(name).parent)


def settings_of_variables(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings held as texts in the environment.

    Raises:
        UnusableInputError: some texts do not fit their setting; no text is shown.
    """
    given: dict[str, Any] = {}
    wrong: list[str] = []
    for key, declared in schema["properties"].items():
        try:
            given |= _variable(key, declared)
        except ValueError:
            wrong.append(f"{_PREFIX}{key.upper()}: must be {_kind(declared)}")
    if wrong:
        raise UnusableInputError(wrong)
    for name, meant in _misspelled(schema["properties"]):
        _LOG.warning("The variable %s is no setting%s", name, meant)
    return given


def state_and_catalog(
    state: TextIO | None, catalog: TextIO | None, *, wrapped: bool = False
) -> tuple[dict[str, Any] | None, Catalog | None]:
    """Return state and catalog of the files that were named; a state may be `wrapped`.

    Raises:
        UnusableInputError: with what is wrong in either of them.
    """
    saved, known, wrong = None, None, list[str]()
    try:
        saved = state_of(state, wrapped=wrapped) if state else None
    except UnusableInputError as error:
        wrong += error.errors
    try:
        known = catalog_of(catalog) if catalog else None
    except UnusableInputError as error:
        wrong += error.errors
    if wrong:
        raise UnusableInputError(wrong)
    return saved, known


def state_of(file: TextIO, *, wrapped: bool = False) -> dict[str, Any]:
    """Return the state in a file; what a run that failed early left behind is an empty one.

    It may be `wrapped`, as `meltano state get` prints it.

    Raises:
        UnusableInputError: it holds something else, with which all would be read anew.
    """
    try:
        text = _text(file)
        state = _object_in(file, text) if text.strip() else {}
        inner = state.get("singer_state")
        state = inner if wrapped and isinstance(inner, dict) else state
    except ValueError as error:
        several = "; of several states keep the last line" if "Extra data" in str(error) else ""
        raise _unusable(file, f"{error}{several}") from error
    if not text.strip():
        _LOG.warning("%s is empty, so the run starts without a state", file.name)
    if wrong := [*state_problems(state)]:
        raise _unusable(file, *wrong)
    return state


def catalog_of(file: TextIO) -> Catalog:
    """Return the catalog in a file.

    Raises:
        UnusableInputError: the file holds no catalog.
    """
    none = "is no catalog as `tap-m365hunting --discover` writes it"
    try:
        streams: Any = _object_in(file, _text(file)).get("streams")
        if wrong := [*catalog_problems(streams)]:
            raise _unusable(file, *wrong, none)
        return Catalog.from_dict({"streams": streams})
    except ValueError as error:
        raise _unusable(file, str(error), none) from error
    except (AttributeError, KeyError, TypeError) as error:  # of what stands in `metadata`
        raise _unusable(file, none) from error


def _text(file: TextIO) -> str:
    if isinstance(file, TextIOWrapper):  # a command opens it in the machine's encoding
        return text_from(lambda: bounded(file.buffer, _MOST_BYTES).decode(ENCODING))
    return text_from(file.read)


def _object_in(file: TextIO, text: str) -> dict[str, Any]:
    twice = list[str]()
    content = object_from(text, twice=twice.append)
    for told in twice_cautions(file.name, twice):
        _LOG.warning("%s", told)
    return content


def _unusable(file: TextIO, *lines: str) -> UnusableInputError:
    return UnusableInputError([f"{file.name}: {line}" for line in lines])


def _variable(key: str, declared: dict[str, Any]) -> dict[str, Any]:
    """Return the setting that a variable holds; the variable alone counts, and no `.env` file.

    The SDK would look for such a file in the folders above its own installation, and let the file
    override what is set.

    Raises:
        ValueError: the text cannot be what the setting is.
    """
    text = os.environ.get(_PREFIX + key.upper())
    if text is None:
        return {}
    if is_integer_type(declared):
        return {key: int(text)}
    if is_boolean_type(declared):
        return {key: _flag(text)}
    structured = is_array_type(declared) or is_object_type(declared)
    return {key: _json_of(_PREFIX + key.upper(), text) if structured else text}


def _json_of(name: str, text: str) -> Any:  # noqa: ANN401 - JSON
    twice = list[str]()
    value = json_from(text, twice=twice.append)
    for told in twice_cautions(name, twice):
        _LOG.warning("%s", told)
    return value


def _flag(text: str) -> bool:
    if text.lower() in _TRUTHY | _FALSY:
        return text.lower() in _TRUTHY
    raise ValueError


def _kind(declared: dict[str, Any]) -> str:
    if is_integer_type(declared):
        return "a whole number"
    return "true or false" if is_boolean_type(declared) else "JSON"


def _misspelled(settings: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the variables similar to a setting's; others may belong to other programs."""
    for name in sorted(os.environ):
        key = name.removeprefix(_PREFIX).lower()
        its_own = name.startswith(_PREFIX) and not key.startswith("_")  # Meltano's extras are not
        if its_own and key not in settings and (meant := nearest(key, settings)):
            yield name, meant
