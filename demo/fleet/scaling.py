"""How long a run over the fleet takes by the groups at once, beside what the simulation says."""

from typing import Final

from demo.fleet.airflow import Airflow
from demo.fleet.stage import TENANTS, Stage
from demo.fleet.tenants import Service
from demo.fleet.waiting import Patience
from orchestrate import outcomes
from orchestrate.fleet import Fleet
from orchestrate.simulation import Costs, Shape

#: The most seconds for one run over the fleet.
LONGEST: Final = 900.0


def ended(run: str, airflow: Airflow, service: Service) -> None:
    """Wait for the end of a run."""
    patience = Patience("the end of a run", LONGEST, every=1)
    patience.until(lambda: airflow.ended(run), alive=[*airflow.processes, service.process])


def scaled(
    stage: Stage, airflow: Airflow, service: Service, *, slots: int, call_seconds: float
) -> str:
    """Run a group alone, then the fleet with so many slots and with twice as many.

    The group tells what a start costs on this machine, the simulation what the fleet then takes.
    """
    shape = Shape(len(TENANTS), rows_a_day=0, group_size=stage.group_size)
    overhead, costs = _alone(stage, airflow, service, shape, call_seconds)
    lines, took = list[str](), list[float]()
    for count in (slots, 2 * slots):
        predicted = overhead + shape.run_seconds(costs, count)
        airflow.slots(count)
        airflow.trigger(f"slots-{count}")
        ended(f"slots-{count}", airflow, service)
        took.append(airflow.seconds(f"slots-{count}"))
        off = 100 * (predicted / took[-1] - 1)
        lines.append(
            f"{count} groups at once: {took[-1]:.0f} s, predicted {predicted:.0f} ({off:+.0f} %)"
        )
    lines.append(f"twice the slots: {took[1] / took[0]:.2f} of the time")
    return "\n".join(lines)


def _alone(
    stage: Stage, airflow: Airflow, service: Service, shape: Shape, call_seconds: float
) -> tuple[float, Costs]:
    """Return what Airflow adds to a run, and the costs that one group shows."""
    airflow.slots(1)
    airflow.trigger("alone", "g0001")
    ended("alone", airflow, service)
    outcome = outcomes.read(Fleet.read(stage.settings).outcome_file("alone", "g0001"))
    waits = shape.group_seconds(Costs(start_seconds=0, call_seconds=call_seconds))
    costs = Costs(start_seconds=outcome.seconds - waits, call_seconds=call_seconds)
    return airflow.seconds("alone") - outcome.seconds, costs
