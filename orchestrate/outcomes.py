"""Which tenants of a group are done in a scheduled run, over all attempts; kept in files."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_UNTOLD: Final = "the run ended before its end; its log has the reason"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Tenants of a group that were read whole, and for each other one the cause."""

    done: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 0
    seconds: float = 0.0

    def left(self, tenants: Iterable[str]) -> list[str]:
        """Return the tenants that are still to be read.

        >>> Outcome(done=("a",), failed={"b": "Expired"}).left(["a", "b", "c"])
        ['b', 'c']
        """
        done = set(self.done)
        return [tenant for tenant in tenants if tenant not in done]

    def after(self, asked: Iterable[str], failed: Mapping[str, str], seconds: float) -> "Outcome":
        """Return the outcome with one attempt more; where no cause was told, the last one stands.

        >>> Outcome(("a",), {"b": "Expired"}, 1).after(["b"], {}, 2.0).done
        ('a', 'b')
        >>> Outcome(("a",), {"b": "Expired"}, 1).after(["b"], {"b": ""}, 2.0).failed
        {'b': 'Expired'}
        """
        done = (*self.done, *(tenant for tenant in asked if tenant not in failed))
        causes = {t: cause or self.failed.get(t) or _UNTOLD for t, cause in failed.items()}
        return Outcome(done, causes, self.attempts + 1, self.seconds + seconds)


def read(file: Path) -> Outcome:
    """Return what a file says; without a file nothing was tried."""
    if not file.exists():
        return Outcome()
    known = json.loads(file.read_text("utf-8"))
    return Outcome(tuple(known["done"]), known["failed"], known["attempts"], known["seconds"])


def write(file: Path, outcome: Outcome) -> None:
    """Put an outcome into a file, which is at no time half written."""
    whole(file, json.dumps(asdict(outcome), indent=1))


def forget(folder: Path, *, keep: int) -> None:
    """Remove what is known of scheduled runs, but for so many that were begun last."""
    runs = sorted(folder.iterdir(), key=lambda run: run.stat().st_mtime) if folder.exists() else []
    for run in runs[: max(0, len(runs) - keep)]:
        shutil.rmtree(run)


def whole(file: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file beside its place, then move it there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    beside.replace(file)
