"""Answers captured from the service or printed in its documents, where they are at hand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: its status, headers and body as the server sent it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a sample that has nothing else."""
        found: list[dict[str, Any]] = json.loads(self.body)["results"]
        return found


def sample(name: str) -> Sample:
    """Load a sample, or skip the test where the samples are not."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no sample {name} beside this checkout")
    told = json.loads(path.read_text(encoding="utf-8"))
    body = told["body"]
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return Sample(told["http_status"], told.get("response_headers", {}), text.encode())
