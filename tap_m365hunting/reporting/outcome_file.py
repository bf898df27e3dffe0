"""The outcome of a run for programs: tenants read whole, and why others were not.

A log repeats words of the service, so a program that reads the log can be told anything; a file
holds them as values alone.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.printable import printable
from tap_m365hunting.reporting.failures import Failure


class OutcomeFile:
    """A file that names no tenant until the run has come to its end, and is whole at all times.

    Raises:
        ConfigValidationError: the file cannot be written; so each function.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write([], {})

    def end(self, tenants: Collection[str], failures: Iterable[Failure]) -> None:
        """Name each tenant: as done, or with the cause of its first failure.

        A failure that names no tenant is one of all tenants.
        """
        causes: dict[str, str] = {}
        for failure in failures:
            for tenant in tenants if failure.tenant_id is None else [failure.tenant_id]:
                causes.setdefault(tenant, _cause(failure))
        self._write([tenant for tenant in tenants if tenant not in causes], causes)

    def _write(self, done: Sequence[str], failed: Mapping[str, str]) -> None:
        why = "it is no regular file"
        try:
            if not self._path.exists() or self._path.is_file():
                self._replace(json.dumps({"done": done, "failed": failed}, indent=1))
                return
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no file has such a name"
        msg = f"outcome_file: {shown_name(self._path)} cannot be written: {why}"
        raise ConfigValidationError(msg, errors=[msg], schema={})

    def _replace(self, text: str) -> None:
        with NamedTemporaryFile("w", dir=self._path.parent, delete=False) as file:
            file.write(text)
        try:
            Path(file.name).replace(self._path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise


def _cause(failure: Failure) -> str:
    cause = f"stream {failure.stream}: {failure.error}" if failure.stream else str(failure.error)
    return printable(cause)
