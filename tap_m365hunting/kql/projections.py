"""Projections that leave out the time of the rows, and with it all windows.

Pure. Theory, by one query:

    DeviceProcessEvents
    | where FileName == "psexec.exe"
    | project DeviceName, AccountName

The rows are rows of a table with a time, and the filter keeps them so. `project` leaves the time
out: no window can bound the result, though nothing else in the query stands against windows.
"""

from typing import Final

from msgspec.structs import replace

from tap_m365hunting.kql.columns import Columns
from tap_m365hunting.kql.flow_types import Flow, Projection
from tap_m365hunting.kql.operators import CURSORS
from tap_m365hunting.kql.stages import Stage, Step

_PROJECTIONS: Final = frozenset({"project", "project-away", "project-keep", "project-rename"})
# These operators make rows that are no longer of the table, with no time to keep.
_GROUPING: Final = frozenset({"count", "distinct", "make-series", "reduce", "summarize"})


def after_projection(stage: Stage, step: Step, flow: Flow, columns: Columns) -> Flow:
    """Return the rows behind an operator, with the time left out by it, if it is the first to.

    `columns` are those behind the operator, `flow` are the rows before.
    """
    if stage.operator in _GROUPING:
        return replace(flow, timed=False, left_out=None)
    if stage.operator not in _PROJECTIONS or not flow.timed or flow.left_out:
        return flow
    cursor = _likely(step)
    gone = flow.columns.has(cursor) is not False and columns.has(cursor) is False
    return replace(flow, left_out=Projection(stage, cursor)) if gone else flow


def _likely(step: Step) -> str:
    """Return the likely cursor of the rows: one that the query mentions, else the usual one."""
    usual_first = sorted(step.watched, key=lambda name: (name != CURSORS[0], name))
    return min(usual_first, key=lambda name: step.query.uses(name) is None)
