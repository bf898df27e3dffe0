"""What a command costs: processor time and peak memory of its process, over interleaved rounds."""

import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

# Linux tells of peaks in units of 1024 bytes
_KIB: Final = 1024


class BenchError(RuntimeError):
    """A contender did not do its work; nothing may be said of its speed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one command: seconds of processor time (user and system), and bytes of memory."""

    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Series:
    """A command's samples, one a round."""

    samples: tuple[Sample, ...]

    @property
    def cpu(self) -> float:
        """The median of the processor time."""
        return median(sample.cpu for sample in self.samples)

    @property
    def peak(self) -> float:
        """The median of the peak memory."""
        return median(sample.peak for sample in self.samples)

    def over(self, other: "Series", *, less: tuple[float, float] = (0, 0)) -> list[float]:
        """Return, round by round, how many times this took of what the other took.

        `less` is taken off first, of this and of the other.
        """
        return [
            (mine.cpu - less[0]) / (its.cpu - less[1])
            for mine, its in zip(self.samples, other.samples, strict=False)
        ]


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Sample:
    """Run a command with its output thrown away.

    Raises:
        BenchError: it failed; `log` says why.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=dict(environment)
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = f"{' '.join(command)} ended with {process.returncode}: {log.read_text()[-2000:]}"
        raise BenchError(msg)
    return Sample(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB)


def rounds(
    names: Iterable[str],
    run_once: Callable[[str], Sample],
    *,
    count: int,
    once: Collection[str] = (),
) -> dict[str, Series]:
    """Run everything once a round, so that a slow minute of the machine is slow for all.

    Those in `once` take part in the first round only.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(count):
        for name, taken in samples.items():
            if number == 0 or name not in once:
                taken.append(run_once(name))
    return {name: Series(tuple(taken)) for name, taken in samples.items()}


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one of the cores it may use."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[core % len(allowed)]})
