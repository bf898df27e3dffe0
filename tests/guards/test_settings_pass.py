"""Settings become types in one pass: read, check, type; as tests/guards/settings_pass.py counts."""

from pathlib import Path

import pytest

from tap_m365hunting.configuration.rules import settings_problems
from tap_m365hunting.configuration.settings import DEFAULTS
from tests.guards.settings_pass import files_read, followed, journeys

#: The most functions that are given a value, by the journey.
MOST = {
    "a setting of all queries, to its type": 12,
    "the same, with a file of tenants": 14,
    "a setting of a query, to its type": 17,
    "a query's file, to its text and type": 21,
    "a setting of a query, to the report of check": 15,
}


@pytest.mark.parametrize("name", MOST)
def test_few_functions_are_given_a_setting(name: str, tmp_path: Path) -> None:
    """Each function that is given all settings, for one of them, must be read to follow one."""
    (journey,) = [journey for journey in journeys(tmp_path) if journey.name == name]

    functions = journey.functions()

    assert len(functions) <= MOST[name], "\n".join(functions)
    assert any("parsed" in function for function in functions), "the value has come to its type"


def test_a_value_is_followed_into_what_holds_it() -> None:
    """A function that is given other values is not counted; a generator's second step is none."""
    value = ["stays"]
    filled = {**DEFAULTS, "queries": [], "api_url": value}

    entered = followed(value, lambda: list(settings_problems(filled, [])))

    assert entered == [
        "configuration/rules.py:settings_problems",
        "configuration/rules.py:_url_problems",
    ]


def test_every_file_is_read_once(tmp_path: Path) -> None:
    """A file may be a pipe, or be replaced between two readings."""
    many = next(journey.settings for journey in journeys(tmp_path) if "tenants" in journey.name)
    rule = tmp_path / "whoami.yml"
    rule.write_text(
        "title: whoami\nlogsource: {product: windows, category: process_creation}\n"
        "detection: {sel: {Image: whoami.exe}, condition: sel}\n",
        "utf-8",
    )

    read = files_read({**many, "queries": [*many["queries"], {"sigma_rule": str(rule)}]})

    assert sorted(path.name for path in read) == ["alerts.kql", "tenants.json", "whoami.yml"]
