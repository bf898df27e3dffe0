"""Coverage in Prometheus' text format, for node_exporter's textfile collector.

Pure. Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (read 2026-11-29).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from tap_m365hunting.coverage_report.report import CoverageReport, StreamCoverage
from tap_m365hunting.instants import TICKS_PER_SECOND, Instant
from tap_m365hunting.printable import printable

_Sample: TypeAlias = tuple[Mapping[str, str], float | None]
_Metric: TypeAlias = Callable[[StreamCoverage], Iterator[_Sample]]
_PREFIX: Final = "m365hunting_coverage_"
_UNIX: Final = Instant.parse("1970-01-01T00:00:00Z").ticks
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def prometheus_lines(report: CoverageReport) -> Iterator[str]:
    """Yield each metric with its help, its type and a sample for each stream and tenant."""
    yield from _head("as_of_timestamp_seconds", "Time of this report")
    yield f"{_PREFIX}as_of_timestamp_seconds {_number(_unix(report.as_of))}"
    for name, (text, metric) in _METRICS.items():
        yield from _head(name, text)
        for stream in report.streams:
            labels = {"stream": stream.stream, "tenant_id": stream.tenant_id}
            for more, value in metric(stream):
                if value is not None:
                    yield f"{_PREFIX}{name}{{{_labels({**labels, **more})}}} {_number(value)}"


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {text}."
    yield f"# TYPE {_PREFIX}{name} gauge"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    r"""Return a label's value for the format, whose one escape of a control character is `\n`.

    >>> print(_escaped("a\n\x9b\u202e"))
    a\n\\x9b\\u202e
    """
    return "\n".join(map(printable, value.split("\n"))).translate(_ESCAPES)


def _number(value: float) -> str:
    return repr(round(value, 7)).removesuffix(".0")


def _unix(ticks: int) -> float:
    return (ticks - _UNIX) / TICKS_PER_SECOND


def _unix_or_none(ticks: int | None) -> float | None:
    return None if ticks is None else _unix(ticks)


def _one(value: Callable[[StreamCoverage], float | None]) -> _Metric:
    def metric(stream: StreamCoverage) -> Iterator[_Sample]:
        yield {}, value(stream)

    return metric


def _gaps(stream: StreamCoverage) -> Iterator[_Sample]:
    """Yield a single 0 where there is no gap, for alerts to compare."""
    counts = Counter(gap.status for gap in stream.gaps) or {"": 0}
    yield from (({"reason": reason}, count) for reason, count in sorted(counts.items()))


def _gap_seconds(stream: StreamCoverage) -> Iterator[_Sample]:
    ticks = Counter[str]()
    for gap in stream.gaps:
        ticks[gap.status] += gap.end - gap.start
    for reason, count in sorted((ticks or {"": 0}).items()):
        yield {"reason": reason}, count / TICKS_PER_SECOND


_METRICS: Final[Mapping[str, tuple[str, _Metric]]] = {
    "complete_from_timestamp_seconds": (
        "Start of the time that is complete",
        _one(lambda stream: _unix_or_none(stream.complete_from)),
    ),
    "complete_to_timestamp_seconds": (
        "End of the time that is complete",
        _one(lambda stream: _unix_or_none(stream.complete_to)),
    ),
    "last_read_timestamp_seconds": (
        "When a window was last read",
        _one(lambda stream: _unix(stream.last_read) if stream.last_read else None),
    ),
    "stale": ("1 if the complete time ends too long ago", _one(lambda stream: int(stream.stale))),
    "gaps": ("Gaps by reason", _gaps),
    "gap_seconds": ("Length of all gaps by reason", _gap_seconds),
    "windows": ("Windows read", _one(lambda stream: stream.sums.windows)),
    "rows": ("Rows received, late rows and repeated readings among them",
             _one(lambda stream: stream.sums.rows)),
    "late_rows": ("Rows that came late, where that is known",
                  _one(lambda stream: stream.sums.late_rows)),
    "calls": ("Calls spent", _one(lambda stream: stream.sums.calls)),
    "retries": ("Calls repeated after a failure", _one(lambda stream: stream.sums.retries)),
    "wait_seconds": ("Time waited for quotas and retries",
                     _one(lambda stream: stream.sums.wait_ms / 1000)),
}  # fmt: skip
