"""Remarks on a query, for people and for programs.

Pure.
"""

from typing import Literal, Self

from msgspec import Struct

from tap_m365hunting import kql


class Remark(Struct, frozen=True):
    """A remark about a query; without a place if about the query's settings."""

    severity: Literal["error", "warning"]
    message: str
    line: int | None = None
    column: int | None = None
    operator: str | None = None

    @classmethod
    def of(cls, problem: kql.Problem) -> Self:
        """Take a problem found in a text."""
        return cls(
            problem.severity, problem.message, problem.line, problem.column, problem.operator
        )

    def to_json(self) -> dict[str, object]:
        """Return the remark as an entry of `problems`."""
        return {
            "severity": self.severity,
            "line": self.line,
            "column": self.column,
            "operator": self.operator,
            "message": self.message,
        }
