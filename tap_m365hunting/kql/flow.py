"""What is known of rows at a point of a query.

Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Self

from msgspec import Struct, field
from msgspec.structs import replace

from tap_m365hunting.kql.columns import Columns
from tap_m365hunting.kql.query import Span
from tap_m365hunting.kql.stages import Stage


class Finding(Struct, frozen=True):
    """What the operator at a token means for windows.

    A `fatal` finding holds however the query is run, any other only where windows bound it, and
    one with a `cursor` only where that column is the cursor.
    """

    index: int
    operator: str
    message: str
    warning: bool = False
    fatal: bool = False
    cursor: str | None = None


class Flow(Struct, frozen=True):
    """Rows at a point of the query: their columns, and what was met on the way."""

    columns: Columns = field(default_factory=Columns)
    findings: tuple[Finding, ...] = ()

    def to(self, columns: Columns) -> Self:
        """Return the rows with other columns."""
        return replace(self, columns=columns)

    def met(self, findings: Iterable[Finding]) -> Self:
        """Return the rows after what was met."""
        return replace(self, findings=(*self.findings, *findings))


class Function(Struct, frozen=True):
    """A function that the query declares, with the names that its body can see.

    `parameters` tells of each parameter whether it takes rows. A `view` is among the tables that
    a pattern means.
    """

    parameters: Mapping[str, bool]
    body: Span
    names: "Mapping[str, Flow | Function]"
    view: bool = False


class Argument(Struct, frozen=True):
    """Rows given to a function: in their place, or to the parameter of a name."""

    rows: Flow
    name: str | None = None


def finding(stage: Stage, message: str, *, warning: bool = False, fatal: bool = False) -> Finding:
    """Say of the operator what it means."""
    text = f"'{stage.operator}' {message}"
    return Finding(stage.index, stage.operator, text, warning=warning, fatal=fatal)
