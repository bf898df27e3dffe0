"""Plays many scenarios, or one again: `python -m tests.soak.differential --seed 7`."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr
from io import StringIO
from multiprocessing import get_context
from typing import Final

from tests.soak.scenarios import Outcome, Scenario, silence

#: A line of progress behind so many scenarios.
_OFTEN: Final = 100
_SHOWN: Final = (
    "WINDOWED", "retention-crossing", "hash parts", "several tenants", "drift", "late", "inner",
    "outer", "odd clock", "replayed state", "merged state", "backfill", "gaps",
)  # fmt: skip


def played(seed: int) -> Outcome:
    """Play one scenario; an error of its own is a finding."""
    silence()
    with redirect_stderr(StringIO()):
        scenario = Scenario(seed)
        try:
            return scenario.play()
        except Exception as error:  # noqa: BLE001 - whatever a run raises
            wrong = [f"{type(error).__name__}: {error}"]
            return Outcome(seed, frozenset(scenario.traits), scenario.runs, wrong=wrong)


def play(seeds: Iterable[int], jobs: int = 1) -> Iterator[Outcome]:
    """Play a scenario of each seed, in that many processes."""
    if jobs == 1:
        yield from map(played, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(played, seeds, chunksize=4)


def told(outcomes: Sequence[Outcome]) -> str:
    """Say what the scenarios were, and what they showed."""
    traits = Counter(trait for outcome in outcomes for trait in outcome.traits)
    share = 100 / max(1, len(outcomes))
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    shares = ", ".join(f"{trait} {traits[trait] * share:.0f} %" for trait in _SHOWN)
    line = (
        f"{len(outcomes)} scenarios, {sum(o.runs for o in outcomes)} runs, "
        f"{sum(o.calls for o in outcomes)} calls: {len(wrong)} unexplained; {shares}"
    )
    return "\n".join([line, *map(_finding, wrong)])


def _finding(outcome: Outcome) -> str:
    traits = ", ".join(sorted(outcome.traits))
    return f"seed {outcome.seed} ({traits}): {'; '.join(outcome.wrong)}"


def main() -> None:
    """Play, and end with status 1 if anything is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one alone")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--scenarios", type=int, default=2_000, help="of some five runs each")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.scenarios)
    outcomes = list[Outcome]()
    for outcome in play(seeds if given.seed is None else [given.seed], given.jobs):
        outcomes.append(outcome)
        if outcome.wrong:
            sys.stderr.write(_finding(outcome) + "\n")
        if len(outcomes) % _OFTEN == 0:
            sys.stderr.write(told(outcomes).partition("\n")[0] + "\n")
    sys.stdout.write(told(outcomes) + "\n")
    sys.exit(1 if any(outcome.wrong for outcome in outcomes) else 0)


if __name__ == "__main__":
    main()
