"""Plays many scenarios, or one again: `python -m tests.soak.differential --seed 7`."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr
from io import StringIO

from tests.soak.scenarios import Outcome, Scenario, silence


def play(seeds: Iterable[int]) -> list[Outcome]:
    """Play a scenario of each seed; a seed that fails is told at once."""
    silence()
    outcomes = list[Outcome]()
    for seed in seeds:
        with redirect_stderr(StringIO()):
            outcomes.append(Scenario(seed).play())
        if outcomes[-1].wrong:
            sys.stderr.write(f"seed {seed}: {'; '.join(outcomes[-1].wrong)}\n")
    return outcomes


def told(outcomes: list[Outcome]) -> str:
    """Say what the scenarios were, and what they showed."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    windowed = kinds["own"] + kinds["bins"] + kinds["groups"]
    crossing = sum(outcome.retention for outcome in outcomes)
    parts = sum(outcome.parts > 0 for outcome in outcomes)
    share = 100 / max(1, len(outcomes))
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    gaps = sum(outcome.gaps > 0 for outcome in outcomes)
    lines = [
        (
            f"{len(outcomes)} scenarios, {sum(o.runs for o in outcomes)} runs, "
            f"{sum(o.calls for o in outcomes)} calls: {len(wrong)} unexplained; "
            f"WINDOWED {windowed * share:.0f} %, retention-crossing {crossing * share:.0f} %, "
            f"hash parts {parts * share:.0f} %, with gaps {gaps * share:.0f} %"
        )
    ]
    lines += [f"seed {o.seed} ({o.kind}): {'; '.join(o.wrong)}" for o in wrong]
    return "\n".join(lines)


def main() -> None:
    """Play, and end with status 1 if anything is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one alone")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=2_000, help="how many scenarios")
    given = parser.parse_args()
    first = given.first if given.seed is None else given.seed
    outcomes = play(range(first, first + (1 if given.seed is not None else given.runs)))
    sys.stdout.write(told(outcomes) + "\n")
    sys.exit(1 if any(outcome.wrong for outcome in outcomes) else 0)


if __name__ == "__main__":
    main()
