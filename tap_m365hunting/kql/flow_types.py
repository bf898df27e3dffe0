"""Rows at a point of a query: columns, findings, and the functions a query declares.

Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Self

from msgspec import Struct, field
from msgspec.structs import replace

from tap_m365hunting.kql.columns import Columns, Origin
from tap_m365hunting.kql.layered import Layered
from tap_m365hunting.kql.query import TokenSpan
from tap_m365hunting.kql.stages import Stage
from tap_m365hunting.kql.verdict import OTHER, RowIdentity

# Of a query of thousands of joins nobody reads each; to carry all along takes the square of time.
_MOST_FINDINGS = 256
_MOST_OF_A_KIND = 16
_MOST_OF_AN_EFFECT = 128
#: Sides of joins with findings of their own that are followed.
MOST_SIDES: Final = 64


class Finding(Struct, frozen=True):
    """The meaning of an operator, at a token, for windows.

    A `fatal` finding holds however the query is run, any other only under windows, and a finding
    with a `cursor` only where that column is the cursor, with another `beside` it if named.
    `lacking` tells of rows without a value in the column; another column may fill the gap.
    """

    index: int
    operator: str
    message: str
    warning: bool = False
    fatal: bool = False
    cursor: str | None = None
    beside: str | None = None
    lacking: bool = False


def _fewer(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the first findings of each kind, and of each effect.

    Findings of a kind are the same but for their places, those of an effect but for their words.
    """
    counts = Counter[Finding]()
    kept = list[Finding]()
    for finding in findings:
        kind = replace(finding, index=0)
        effect = replace(kind, operator="", message="")
        if counts[kind] < _MOST_OF_A_KIND and counts[effect] < _MOST_OF_AN_EFFECT:
            counts.update((kind, effect))
            kept.append(finding)
    return tuple(kept)


class SideFindings(Struct, frozen=True, eq=False):
    """Findings on one side of a join: valid for the columns of that side alone."""

    findings: tuple[Finding, ...]
    left: Columns
    right: Columns
    of_the_right: bool

    def about(self, column: str) -> Iterator[Finding]:
        """Yield the findings valid where the column, possibly of this side, is the cursor."""
        own = column if self._side.has(column) is not False else column.rstrip("0123456789")
        for finding in self.findings if self._may_have(column) else ():
            if finding.cursor in (None, column, own):
                yield replace(finding, cursor=column)

    @property
    def _side(self) -> Columns:
        return self.right if self.of_the_right else self.left

    def _may_have(self, column: str) -> bool:
        if self.of_the_right:
            return self.left.leaves(column, self.right)
        return self.left.has(column) is not False or not self.right.has(column)


class Group(Struct, frozen=True):
    """Rows grouped by a rounded time."""

    stage: Stage
    origin: Origin


class Projection(Struct, frozen=True):
    """A projection that leaves out the time of the rows, the column `cursor`."""

    stage: Stage
    cursor: str


class Flow(Struct, frozen=True):
    """Rows at a point of the query: columns, and findings on the way.

    `timed` are the rows of a table with a time, one by one; `left_out` says where the time went.
    """

    columns: Columns = field(default_factory=Columns)
    findings: tuple[Finding, ...] = ()
    sides: tuple[SideFindings, ...] = ()
    groups: tuple[Group, ...] = ()
    identity: RowIdentity = OTHER
    timed: bool = False
    left_out: Projection | None = None

    def to(self, columns: Columns) -> Self:
        """Return the rows with other columns."""
        return replace(self, columns=columns)

    def met(self, findings: Iterable[Finding]) -> Self:
        """Return the rows after the findings."""
        if not (new := tuple(findings)):
            return self
        unique = tuple(dict.fromkeys((*self.findings, *new)))
        return replace(self, findings=unique if len(unique) <= _MOST_FINDINGS else _fewer(unique))

    def beside(self, sides: Iterable[SideFindings]) -> Self:
        """Return the rows after the findings of one side; one without findings says nothing."""
        new = [side for side in sides if side.findings]
        return replace(self, sides=tuple(dict.fromkeys((*self.sides, *new)))) if new else self

    def grouped(self, groups: Iterable[Group]) -> Self:
        """Return the rows after grouping."""
        new = tuple(groups)
        return replace(self, groups=tuple(dict.fromkeys((*self.groups, *new)))) if new else self

    @property
    def divided(self) -> bool:
        """Whether findings hold for some columns only."""
        return bool(self.sides) or any(finding.cursor for finding in self.findings)

    def renewed(self, made: Mapping[str, frozenset[str]]) -> Self:
        """Return the rows with columns made of others: findings pass from part to whole."""
        anew = {name for name, parts in made.items() if name not in parts}
        kept = [m for m in self.findings if m.cursor not in made and m.beside not in anew]
        new = [
            replace(met, cursor=name)
            for name, parts in made.items()
            for part in parts or {name}
            for met in self._about(part)
            if not met.lacking or len(parts) <= 1
        ]
        return replace(self, findings=()).met([*kept, *new])

    def _about(self, column: str) -> Iterator[Finding]:
        yield from (met for met in self.findings if met.cursor == column)
        for side_findings in self.sides:
            yield from side_findings.about(column)


class Function(Struct, frozen=True):
    """A function declared in the query, with the names visible from its body.

    `parameters` maps each parameter to whether it takes rows. A `view` is among the tables meant by
    a pattern.
    """

    parameters: Mapping[str, bool]
    body: TokenSpan
    names: "Layered[Flow | Function]"
    view: bool = False


class Scope:
    """The names bound so far, by `let`, by `as`, or as a function's parameters."""

    def __init__(self, names: Layered[Flow | Function]) -> None:
        self.names = names

    def bind(self, name: str, value: Flow | Function) -> None:
        """Bind a name, for all that follows."""
        self.names = self.names.plus({name: value})


class Argument(Struct, frozen=True):
    """Rows given to a function: in their place, or to a named parameter."""

    rows: Flow
    name: str | None = None


def finding(stage: Stage, message: str, *, warning: bool = False, fatal: bool = False) -> Finding:
    """Make a finding about the operator of a stage."""
    text = f"'{stage.operator}' {message}"
    return Finding(stage.index, stage.operator, text, warning=warning, fatal=fatal)


def lacking(
    stage: Stage, message: str, cursor: str | None = None, *, beside: str | None = None
) -> Finding:
    """Make a finding: rows of the operator lack the cursor, or may, with another `beside` it."""
    met = finding(stage, message.format(cursor=cursor, beside=beside), warning=beside is not None)
    return replace(met, cursor=cursor, beside=beside, lacking=True)
