"""The textfile is what Prometheus' format says."""

import re
from pathlib import Path

import pytest

from tests.coverage_report.histories import TENANTS, plain, window
from tests.coverage_report.test_command import run

_SAMPLE = re.compile(
    r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+)'
)


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Two streams, one with gaps and a name that needs each escape."""
    rows = [
        window(0, 5, late_rows=3),
        window(5, 6, stream='a\\b"c\nd'),
        window(6, 7, "gap_unreadable", stream='a\\b"c\nd'),
        window(9, 10, stream='a\\b"c\nd'),
    ]
    (tmp_path / "w.jsonl").write_bytes(plain(rows))
    return run(tmp_path / "w.jsonl", "--format", "prometheus").stdout


def test_every_line_is_in_the_format(text: str) -> None:
    """HELP and TYPE stand once, before the samples of their metric, which stand together."""
    assert text.endswith("\n")
    told: list[str] = []
    samples: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            told.append(line.split(" ")[2])
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {told[-1]} gauge"
        else:
            found = _SAMPLE.fullmatch(line)
            assert found, line
            assert found[1] == told[-1]
            assert line.rpartition(" ")[0] not in samples
            samples.add(line.rpartition(" ")[0])
    assert len(set(told)) == len(told)


def test_samples_have_the_figures(text: str) -> None:
    """Times are seconds since 1970; names are escaped; 0 stands where there is no gap."""
    labels = f'{{stream="alerts",tenant_id="{TENANTS[0]}"'
    odd = f'{{stream="a\\\\b\\"c\\nd",tenant_id="{TENANTS[0]}"'

    lines = [line.removeprefix("m365hunting_coverage_") for line in text.splitlines()]

    assert f"complete_to_timestamp_seconds{labels}}} 1772341200" in lines
    assert f"late_rows{labels}}} 3" in lines
    assert f'gaps{labels},reason=""}} 0' in lines
    assert f'gaps{odd},reason="gap_unreadable"}} 1' in lines
    assert f'gap_seconds{odd},reason="unread"}} 7200' in lines
    assert f"stale{odd}}} 0" in lines
    assert not [line for line in lines if line.startswith(f"late_rows{odd}")]


def test_no_label_has_a_character_without_a_printed_form(tmp_path: Path) -> None:
    """A terminal obeys C1 controls, and marks of direction turn what is read."""
    (tmp_path / "w.jsonl").write_bytes(plain([window(0, 5, stream="a\x1b\x9b\u202eb\u2028c")]))

    text = run(tmp_path / "w.jsonl", "--format", "prometheus").stdout

    assert text.replace("\n", "").isprintable()
    assert r'stream="a\\x1b\\x9b\\u202eb\\u2028c"' in text
