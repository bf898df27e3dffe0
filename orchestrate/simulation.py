"""A fleet on paper: calls, minutes, workers, cores and bytes by the number of tenants. Pure.

`python -m orchestrate simulate --tenants 10 1000 100000` prints the table. Quotas come from the
service's documentation, costs from this project's own measurements; each is a field of `Costs` or
`Shape` and can be another one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

#: Quotas of a tenant, and the most bytes of an answer.
CALLS_A_MINUTE: Final = 45
CALLS_AN_HOUR: Final = 1_500
ANSWER_BYTES: Final = 50_000_000
ROW_CAP: Final = 100_000
#: Airflow's `max_map_length`, unless it is set.
MAPPED_TASKS: Final = 1_024
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured costs of a Meltano run, a tenant, a row and a STATE; times of a call and a start."""

    run_cpu_seconds: float = 6.2
    tenant_cpu_seconds: float = 0.14
    tap_row_microseconds: float = 20.0
    loader_row_microseconds: float = 260.0
    state_bytes: float = 330.0
    call_seconds: float = 1.0
    start_seconds: float = 12.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Tenants, their rows, and how they are read."""

    tenants: int
    streams: int = 3
    rows_a_day: float = 1_000_000
    row_bytes: float = 1_340
    runs_a_day: int = 24
    group_size: int = 25
    parallel_tenants: int = 4

    @property
    def groups(self) -> int:
        """The Meltano runs, and mapped tasks, of one run over the fleet."""
        return math.ceil(self.tenants / self.group_size)

    @property
    def calls(self) -> int:
        """The calls of a tenant in a run: at least one a stream, more where answers are full.

        >>> Shape(1).calls, Shape(1, rows_a_day=100_000_000).calls
        (3, 114)
        """
        rows_a_call = min(ROW_CAP, ANSWER_BYTES / self.row_bytes)
        rows = self.rows_a_day / self.runs_a_day / self.streams
        return self.streams * max(1, math.ceil(rows / rows_a_call))

    @property
    def quota_minutes(self) -> float:
        """The least minutes that the quotas leave a tenant's calls of a run."""
        return max(self.calls / CALLS_A_MINUTE, 60 * self.calls / CALLS_AN_HOUR)

    def group_seconds(self, costs: Costs, size: int | None = None) -> float:
        """Return how long a group takes, by its calls or by its loader, if no quota is spent.

        Columns are asked once a stream; then streams follow one another, and in each
        `parallel_tenants` are read at the same time. The loader takes what came meanwhile.
        """
        tenants = size or self.group_size
        waits = self.streams + math.ceil(tenants / self.parallel_tenants) * self.calls
        rows = tenants * self.rows_a_day / self.runs_a_day
        loader_seconds = rows * costs.loader_row_microseconds / 1e6
        return costs.start_seconds + max(waits * costs.call_seconds, loader_seconds)

    def sizes(self) -> list[int]:
        """Return the tenants of each group."""
        full, rest = divmod(self.tenants, self.group_size)
        return [self.group_size] * full + [rest] * bool(rest)

    def run_seconds(self, costs: Costs, slots: int) -> float:
        """Return how long a run over the fleet takes: a free slot takes the next group.

        >>> Shape(40, rows_a_day=0, group_size=5).run_seconds(Costs(start_seconds=10), slots=2)
        76.0
        """
        busy = [0.0] * slots
        for size in self.sizes():
            first = busy.index(min(busy))
            busy[first] += self.group_seconds(costs, size)
        return max(busy)

    def workers(self, costs: Costs, *, share: float = 0.8) -> int:
        """Return the slots with which a run is over in this share of the time between runs."""
        between = _DAY / self.runs_a_day * share
        return max(1, math.ceil(self.groups * self.group_seconds(costs) / between))

    def cores(self, costs: Costs) -> tuple[float, float, float]:
        """Return the cores that Meltano and tenants, the tap's rows and the loaders' rows take."""
        starts = self.groups * costs.run_cpu_seconds + self.tenants * costs.tenant_cpu_seconds
        rows = self.tenants * self.rows_a_day / _DAY / 1e6
        return (
            starts * self.runs_a_day / _DAY,
            rows * costs.tap_row_microseconds,
            rows * costs.loader_row_microseconds,
        )

    def limits(self, costs: Costs, *, cores: int) -> list[str]:
        """Return what gives way on a machine of so many cores, the first one first."""
        starts, tap, loader = self.cores(costs)
        loads = {
            "loaders' cores": loader / cores,
            "cores of Meltano's starts": starts / cores,
            "the tap's cores": tap / cores,
            "mapped tasks of a DAG": self.groups / MAPPED_TASKS,
            "calls of a tenant": self.quota_minutes * 60 / (_DAY / self.runs_a_day),
        }
        over = {name: load for name, load in loads.items() if load > 1}
        return sorted(over, key=lambda name: -over[name])


def table(tenants: Sequence[int], shape: Shape, costs: Costs, *, cores: int) -> list[str]:
    """Return the lines of a Markdown table, a fleet a line."""
    head = (
        "tenants",
        "rows a day",
        "groups",
        "calls a run and tenant",
        "minutes under the quotas",
        "workers",
        "cores: starts, tap, loaders",
        "MB of state",
        f"gives way on {cores} cores",
    )
    fleets = [_line(replace(shape, tenants=count), costs, cores) for count in tenants]
    lines = [head, ["---"] * len(head), *fleets]
    return [f"| {' | '.join(line)} |" for line in lines]


def _line(fleet: Shape, costs: Costs, cores: int) -> tuple[str, ...]:
    state = fleet.tenants * fleet.streams * costs.state_bytes / 1e6
    return (
        f"{fleet.tenants:,}",
        f"{fleet.tenants * fleet.rows_a_day:,.0f}",
        f"{fleet.groups:,}",
        f"{fleet.calls}",
        f"{fleet.quota_minutes:.1f}",
        f"{fleet.workers(costs)}",
        ", ".join(f"{share:.2g}" for share in fleet.cores(costs)),
        f"{state:.2g}",
        ", ".join(fleet.limits(costs, cores=cores)) or "nothing",
    )
