"""The tenants that a Meltano run did not read whole. Pure.

The tap names the tenants read whole in a file, once the run came to its end: lines of a log repeat
words of the service, so no line tells of a tenant. Meltano says by status and by a line of its own
which side of the pipeline failed. Only both together show that a tenant is done: the tap read all
of it, and the loader took all of it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

# Meltano's own line from its start, as behind the name of a plugin a line is the plugin's
_LOADED: Final = re.compile(r"\S+ \[error +\] meltano +Extractor failed(?: |$)")
_FAILED: Final = 1
_NO_FILE: Final = (
    "the run ended well, but the tap named no tenant; the project needs "
    "outcome_file: $HUNTING_OUTCOME_FILE, as orchestrate/meltano.yml has it"
)


@dataclass(frozen=True, slots=True)
class TapOutcome:
    """The tap's word on its tenants; one that never came to its end names none."""

    done: Collection[str] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: object) -> "TapOutcome":
        """Return the word in the content of the tap's `outcome_file`; ids in small letters."""
        done = content.get("done") if isinstance(content, dict) else None
        failed = content.get("failed") if isinstance(content, dict) else None
        if not isinstance(done, list) or not isinstance(failed, dict):
            return cls()
        causes = {f"{tenant}".lower(): f"{cause}" for tenant, cause in failed.items()}
        return cls(frozenset(f"{tenant}".lower() for tenant in done), causes)


def failures(
    told: TapOutcome, lines: Iterable[str], status: int, asked: Iterable[str]
) -> dict[str, str]:
    """Return a cause for each asked tenant that was not shown to be done, empty if none was told.

    A project that does not tell the tap of its file ends well, and shows no tenant to be done.

    >>> told = TapOutcome(done=["a"], failed={"b": "No token for tenant b: AADSTS7000222: …"})
    >>> failures(told, [], 0, ["a", "b"])
    {'b': 'No token for tenant b: AADSTS7000222: …'}
    >>> failures(TapOutcome(), [], 0, ["a"])["a"][:47]
    'the run ended well, but the tap named no tenant'
    >>> list(failures(told, [], -9, ["a", "b"]))
    ['a', 'b']
    """
    loaded = status == 0 or (status == _FAILED and any(map(_LOADED.match, lines)))
    done = {*told.done} - {*told.failed} if loaded else set[str]()
    left = (tenant for tenant in asked if tenant.lower() not in done)
    untold = _NO_FILE if status == 0 and told == TapOutcome() else ""
    return {tenant: told.failed.get(tenant.lower(), untold) for tenant in left}
