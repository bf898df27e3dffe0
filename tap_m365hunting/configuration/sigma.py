"""Sigma rules as KQL, through pySigma and its Kusto backend (the extra `sigma`).

pySigma is imported when the first rule is read: most runs have none, and it takes half a second.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tap_m365hunting.configuration.file_names import shown_name

_LONGEST_NAME: Final = 63
_NEEDED: Final = {"title": "a title", "logsource": "a logsource", "detection": "a detection"}
_LONGEST_REASON: Final = 300
_OTHER: Final = re.compile(r"[^A-Za-z0-9]+", re.ASCII)


class RuleRefusedError(ValueError):
    """A rule that cannot be asked of rows; no other rule is the worse for it."""


class ExtraMissingError(ValueError):
    """pySigma is not installed, so no rule can be read."""


def to_kql(rule: str) -> str:
    """Turn the one rule of a YAML text into a hunting query.

    Raises:
        RuleRefusedError: there is not one rule, or it does not fit the hunting tables.
        ExtraMissingError: the extra is not installed.
    """
    backend = _imported("tap_m365hunting.configuration.sigma_kql").HuntingBackend
    prepare = _imported("tap_m365hunting.configuration.sigma_fields").prepare
    # A pipeline remembers the rules that it has met, so each rule gets its own.
    pipeline = _imported("sigma.pipelines.microsoftxdr").microsoft_xdr_pipeline()
    collection = _imported("sigma.collection").SigmaCollection
    document = _only(rule)
    try:
        parsed = collection.from_dicts([document])
        for one in parsed.rules:
            prepare(one)
        queries = backend(processing_pipeline=pipeline).convert(parsed)
    except Exception as reason:
        said = str(reason).partition("\n")[0].partition(". ")[0]
        msg = f"The rule cannot be turned into KQL: {said[:_LONGEST_REASON]}"
        raise RuleRefusedError(msg) from reason
    if len(queries) != 1:
        msg = f"The rule has {len(queries)} conditions, a stream has one query; make a rule of each"
        raise RuleRefusedError(msg)
    return str(queries[0])


def files(name: str) -> dict[str, Path]:
    """Return the file of a rule, or of every rule below a folder, by the name of the stream.

    Files come in the order of their paths.

    Raises:
        ValueError: there is no rule, or two rules have the same stream name.
    """
    if not name:
        msg = "is empty"
        raise ValueError(msg)
    path, found = Path(name), dict[str, Path]()
    for file in [path] if path.is_file() else sorted(path.rglob("*.y*ml")):
        stream = stream_name(file)
        other = found.setdefault(stream, file)
        if other != file:
            msg = f"{other} and {file} would both be the stream {stream}; rename one of the files"
            raise ValueError(msg)
    if not found:
        msg = f"{shown_name(name)} is no Sigma rule, nor a folder of them"
        raise ValueError(msg)
    return found


def stream_name(file: Path) -> str:
    """Return the file's name as a stream's.

    >>> stream_name(Path("proc-creation/Win Whoami (System).yml")), stream_name(Path("7z.yml"))
    ('win_whoami_system', 'sigma_7z')
    """
    words = _OTHER.sub("_", file.stem).strip("_").lower()
    return (words if words[:1].isalpha() else f"sigma_{words}")[:_LONGEST_NAME]


def _imported(module: str) -> Any:  # noqa: ANN401 - pySigma is there or not
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        msg = "Sigma rules need the extra: pip install 'tap-m365hunting[sigma]'"
        raise ExtraMissingError(msg) from error


def _only(rule: str) -> dict[str, Any]:
    """Return the only document of the YAML text."""
    yaml = _imported("yaml")
    try:
        documents = list(yaml.safe_load_all(rule))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # the error's text quotes the line
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        msg = f"The rule is not YAML{place}"
        raise RuleRefusedError(msg) from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        msg = "A Sigma rule is one YAML document of keys and values"
        raise RuleRefusedError(msg)
    if missing := [named for key, named in _NEEDED.items() if key not in documents[0]]:
        # of another file pySigma would quote what is in there
        msg = f"The rule cannot be turned into KQL: a Sigma rule must have {' and '.join(missing)}"
        raise RuleRefusedError(msg)
    return documents[0]
