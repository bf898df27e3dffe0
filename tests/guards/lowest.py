"""Writes the lowest version that is allowed of each package that is named: constraints for pip.

`python -m tests.guards.lowest > lowest.txt`. Only packages that `pyproject.toml` names have a
lowest version of ours; those behind them are what the resolver takes.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
_NAMED: Final = re.compile(r"([\w.-]+)(?:\[[\w,-]+\])?\s*(?:(?:>=|~=|==)\s*([\w.]+))?")


def lowest(requirements: Iterable[str]) -> Iterator[str]:
    """Yield a pin for each requirement with a lowest version.

    >>> list(lowest(["duckdb>=2.0.0,<2.1", "singer-sdk[testing]", "msal~=1.39"]))
    ['duckdb==2.0.0', 'msal==1.39']
    """
    for requirement in requirements:
        found = _NAMED.match(requirement)
        if found and found[2]:
            yield f"{found[1]}=={found[2]}"


def named(pyproject: Path = PYPROJECT) -> list[str]:
    """Return what the project, its extras and its tests ask for."""
    declared = tomllib.loads(pyproject.read_text("utf-8"))
    project, groups = declared["project"], declared["dependency-groups"]
    extras = [entry for extra in project["optional-dependencies"].values() for entry in extra]
    return [*project["dependencies"], *extras, *groups["test"]]


def main() -> None:
    """Print them, the higher of two for the same package."""
    pins = dict[str, tuple[int, ...]]()
    for pin in lowest(named()):
        name, _, version = pin.partition("==")
        parts = tuple(int(part) for part in version.split("."))
        pins[name.lower()] = max(parts, pins.get(name.lower(), ()))
    for name, parts in sorted(pins.items()):
        sys.stdout.write(f"{name}=={'.'.join(map(str, parts))}\n")


if __name__ == "__main__":
    main()
