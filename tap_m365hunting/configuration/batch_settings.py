"""The setting `batch_config`, as other Singer taps have it: rows in files instead of lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from singer_sdk import typing as th

_ROWS: Final = 10_000
# A file of more rows than this is larger than most loaders take
_MOST_ROWS: Final = 100_000_000

BATCH_CONFIG: Final = th.ObjectType(
    th.Property(
        "encoding",
        th.ObjectType(
            th.Property(
                "format",
                th.StringType(allowed_values=["jsonl"]),
                default="jsonl",
                description="Format of the files",
            ),
            th.Property(
                "compression",
                th.StringType(allowed_values=["gzip", "none"]),
                default="gzip",
                description="Compression of the files",
            ),
            additional_properties=False,
        ),
        description="How rows are written",
    ),
    th.Property(
        "storage",
        th.ObjectType(
            th.Property(
                "root",
                th.StringType,
                required=True,
                description="Folder of the files on this machine, as a path or a file: URL",
            ),
            th.Property("prefix", th.StringType, description="First part of the files' names"),
            additional_properties=False,
        ),
        required=True,
        description="Where the files are",
    ),
    th.Property(
        "batch_size",
        th.IntegerType(minimum=1, maximum=_MOST_ROWS),
        default=_ROWS,
        description="The most rows of a file",
    ),
    additional_properties=False,
)


class BatchSettings(Struct, frozen=True):
    """Where files of rows go, and how they are written: at most `rows` in each."""

    folder: Path
    prefix: str = ""
    compressed: bool = True
    rows: int = _ROWS

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Give a type to a setting without problems."""
        storage, encoding = given["storage"], given.get("encoding") or {}
        return cls(
            _local(storage["root"]),
            storage.get("prefix") or "",
            (encoding.get("compression") or "gzip") == "gzip",
            given.get("batch_size") or _ROWS,
        )


def batch_problems(given: object) -> Iterator[str]:
    """Yield a line if the files would not be in a folder of this machine.

    >>> list(batch_problems({"storage": {"root": "s3://bucket"}}))
    ['batch_config.storage.root: must be a folder of this machine, as /path or file:///path']
    """
    storage = given.get("storage") if isinstance(given, Mapping) else None
    if not isinstance(storage, Mapping):
        return
    root, prefix = storage.get("root"), storage.get("prefix")
    if isinstance(root, str) and ("://" in root and urlsplit(root).scheme != "file"):
        yield (
            "batch_config.storage.root: must be a folder of this machine, as /path or file:///path"
        )
    if isinstance(prefix, str) and "/" in prefix:
        yield "batch_config.storage.prefix: must hold no /"


def _local(root: str) -> Path:
    return Path(unquote(urlsplit(root).path) if root.startswith("file:") else root)
