"""How a scheduled run over a fleet ended, tenant by tenant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrate import outcomes
from orchestrate.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Report:
    """Tenants that are done, and the cause for each one that is behind."""

    done: tuple[str, ...]
    behind: Mapping[str, str]

    def __str__(self) -> str:
        """Write a line for the fleet, and one for each tenant behind."""
        tenants = len(self.done) + len(self.behind)
        head = f"{tenants} tenants: {len(self.done)} done, {len(self.behind)} behind"
        return "\n".join([head, *(f"Behind: {t}: {why}" for t, why in self.behind.items())])


def report(fleet: Fleet, run: str, groups: Iterable[str] | None = None) -> Report:
    """Return how far the tenants of these groups are, or of all."""
    done, behind = list[str](), dict[str, str]()
    for group in groups if groups is not None else fleet.assign():
        outcome = outcomes.read(fleet.outcome_file(run, group))
        members = fleet.members(group)
        left = outcome.left(members)
        done += (tenant for tenant in members if tenant not in left)
        behind |= {tenant: outcome.failed.get(tenant, "not read in this run") for tenant in left}
    return Report(tuple(done), behind)
