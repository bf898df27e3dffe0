"""Draws docs/images/demo.svg from what the demo prints; run by `make docs`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = ROOT / "docs" / "images" / "demo.svg"
_COLUMNS: Final = 118
_WIDE, _HIGH, _EDGE = 7.3, 16, 16
_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>What make demo prints</title>
<rect width="100%" height="100%" rx="8" fill="#1e2430"/>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="#d8dee9">
"""
_LINE: Final = '<text x="{x}" y="{y}" fill="{fill}" xml:space="preserve">{text}</text>\n'


def drawn(printed: str) -> str:
    """Return the picture of what was printed: commands, tables and questions in their colours."""
    lines = printed.rstrip().splitlines()
    width, height = round(_COLUMNS * _WIDE + 2 * _EDGE), len(lines) * _HIGH + 2 * _EDGE
    body = "".join(
        _LINE.format(x=_EDGE, y=_EDGE + _HIGH * number - 4, fill=_fill(line), text=escape(line))
        for number, line in enumerate(lines, start=1)
        if line
    )
    return f"{_HEAD.format(width=width, height=height)}{body}</g>\n</svg>\n"


def _fill(line: str) -> str:
    if line.lstrip().startswith(("$", "|")):
        return "#a3be8c"
    if line.endswith("?") or not line.startswith(" "):
        return "#88c0d0"
    return "#d8dee9"


def printed(options: list[str]) -> str:
    """Run the demo from nothing, in folders of its own; return what it printed up to its advice."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "demo" / "target-bulk-duckdb.json"
        settings.parent.mkdir()
        settings.write_text(json.dumps({"database": f"{folder}/output/hunting.duckdb"}))
        own = (
            f"--emulator={folder}/.hunting-emulator",
            f"--output={folder}/output",
            f"--loader-config={settings}",
        )
        done = subprocess.run(
            [sys.executable, "-m", "demo", *own, *options],
            capture_output=True,
            check=True,
            text=True,
            cwd=ROOT,
        )
    return done.stdout.replace(f"{folder}/", "").partition("\nNext:")[0]


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(printed(sys.argv[1:])), "utf-8")
