"""How long `m365hunting coverage` takes over many windows as lines of JSON, and how much memory.

python -m bench.coverage [--windows 10000000] [--streams 400]

Two histories: one run read all windows of each stream, and a run an hour, each of which reads the
hour before again. The lines stand in a file, and reach the command on standard input.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

_BEGIN: Final = datetime(1990, 1, 1, tzinfo=UTC)
_TENANTS: Final = 8
#: One window in about so many is a gap.
_GAP: Final = 997
_MIB: Final = 1 << 20
_LINE: Final = (
    '{{"type":"RECORD","stream":"hunting_windows","record":{{"run_id":"<run>",'
    '"stream":"stream_{stream:03}","tenant_id":"aaaabbbb-0000-cccc-1111-dddd{tenant:08x}",'
    '"window_start":"{start}","window_end":"{end}","status":"{status}","rows":{rows},'
    '"expected_rows":null,"late_rows":{late},"calls":1,"splits":0,"retries":0,'
    '"wait_seconds":0.0,"seconds":1.532,"message":{message},"finished_at":"{finished}"}},'
    '"time_extracted":"2026-03-01T00:00:00.000000+00:00"}}\n'
)


class Cost(NamedTuple):
    """One run of the command."""

    seconds: float
    cpu: float
    peak: int
    #: Bytes of its standard input.
    read: int


def blocks(windows: int, streams: int, *, hourly: bool) -> Iterator[str]:
    """Yield the lines of an hour at a time: a window of each stream."""
    complete, gaps = (
        [_line(stream, gap=gap, hourly=hourly) for stream in range(streams)]
        for gap in (False, True)
    )
    for hour in range(windows // streams):
        parts = complete.copy()
        for stream in range(hour % _GAP, streams, _GAP):
            parts[stream] = gaps[stream]
        now = _BEGIN + timedelta(hours=hour)
        moments = {
            "<run>": f"{hour * hourly:032x}",
            "<start>": f"{now - timedelta(hours=hourly):%Y-%m-%dT%H}",
            "<end>": f"{now + timedelta(hours=1):%Y-%m-%dT%H}",
            # no two runs read up to the same part of an hour
            "<part>": f"{hour * hourly % 60:02}",
        }
        text = "".join(parts)
        for mark, value in moments.items():
            text = text.replace(mark, value)
        yield text


def _line(stream: int, *, gap: bool, hourly: bool) -> str:
    """Return a stream's line with marks in place of run and hours."""
    part = f"{stream * 2310:06}0Z"
    return _LINE.format(
        stream=stream // _TENANTS,
        tenant=stream % _TENANTS,
        start=f"<start>:00:00.{part}",
        end=f"<end>:00:{'<part>' if hourly else '00'}.{part}",
        status="gap_unreadable" if gap else "complete",
        rows=stream,
        late=stream % 3 or "null",
        message='"The service timed out for the narrowest window"' if gap else "null",
        finished=f"<end>:01:10.{stream * 97:06}0Z",
    )


def cost(file: Path, folder: Path) -> Cost:
    """Run the command over the lines of a file; its report goes into the folder."""
    command = [str(Path(sys.executable).with_name("m365hunting")), "coverage", "-"]
    out = os.open(folder / "report.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with file.open("rb") as given:
        started = time.perf_counter()
        child = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, given.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, out, 1),
            ],
        )
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - started
    os.close(out)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(seconds, cpu, usage.ru_maxrss * 1024, file.stat().st_size)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=10_000_000)
    parser.add_argument("--streams", type=int, default=400)
    given = parser.parse_args(arguments)
    print("| lines of JSON | seconds | processor seconds | memory |\n| --- | --- | --- | --- |")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for hourly, history in ((False, "one run"), (True, "a run an hour, with a lookback")):
            file = folder / "windows.jsonl"
            with file.open("w", encoding="utf-8") as out:
                out.writelines(blocks(given.windows, given.streams, hourly=hourly))
            took = cost(file, folder)
            size = f"{history}, {took.read / 1e9:.1f} GB"
            print(f"| {size} | {took.seconds:.0f} | {took.cpu:.0f} | {took.peak // _MIB} MB |")


if __name__ == "__main__":
    main()
