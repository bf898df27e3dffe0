"""The form of the tables of functions: one row a function, with SQL over named parameters.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A function of Kusto's as a DuckDB macro `kusto_NAME`; `bodies` are its overloads.

    `hidden` functions are called by other macros alone, and have no name in KQL.
    """

    name: str
    bodies: tuple[tuple[str, str], ...]
    hidden: bool = False

    @property
    def macro(self) -> str:
        """The statement that makes the macro.

        >>> Function("twice", (("x", "x + x"),)).macro
        'CREATE MACRO kusto_twice(x) AS x + x'
        """
        overloads = ", ".join(f"({parameters}) AS {sql}" for parameters, sql in self.bodies)
        return f"CREATE MACRO kusto_{self.name}{overloads}"

    @property
    def arities(self) -> tuple[int, ...]:
        """The number of arguments."""
        return tuple(
            len(parameters.split(",")) if parameters else 0 for parameters, _ in self.bodies
        )


def function(name: str, *bodies: tuple[str, str]) -> Function:
    """Make a function known to KQL by the name."""
    return Function(name, bodies)


def helper(name: str, parameters: str, sql: str) -> Function:
    """Make a macro for other macros."""
    return Function(name, ((parameters, sql),), hidden=True)


def macros(tables: Iterable[tuple[Function, ...]]) -> tuple[str, ...]:
    """Return the statements for all functions of some tables, in order."""
    return tuple(row.macro for table in tables for row in table)
