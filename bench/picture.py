"""Bars as SVG, by hand: a picture needs no library. Pure."""

from collections.abc import Collection, Mapping
from html import escape
from typing import Final

_WIDTH: Final = 760
_LABELS: Final = 260
_ROOM: Final = 70  # for the number behind the longest bar
_STEP: Final = 30
_TOP: Final = 50
_OURS: Final = "#1f6feb"
_OTHERS: Final = "#8b949e"


def _bar(at: int, name: str, value: float, longest: float, colour: str) -> str:
    y = _TOP + at * _STEP
    width = max(1, round((_WIDTH - _LABELS - _ROOM) * value / longest))
    label = escape(name.replace("`", ""))
    return (
        f'<text x="{_LABELS - 10}" y="{y + 15}" text-anchor="end">{label}</text>'
        f'<rect x="{_LABELS}" y="{y}" width="{width}" height="20" rx="3" fill="{colour}"/>'
        f'<text x="{_LABELS + width + 8}" y="{y + 15}">{value:.2f}</text>'
    )


def bars(title: str, values: Mapping[str, float], *, ours: Collection[str]) -> str:
    """Return a picture with a bar for each value, the shortest on top.

    >>> bars("Seconds", {"a": 1.0, "b": 2.0}, ours=["a"]).count("<rect")
    3
    """
    longest = max(values.values())
    ordered = sorted(values.items(), key=lambda item: item[1])
    height = _TOP + _STEP * len(ordered) + 10
    drawn = [
        _bar(at, name, value, longest, _OURS if name in ours else _OTHERS)
        for at, (name, value) in enumerate(ordered)
    ]
    canvas = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
    return "\n".join(
        [
            f'{canvas} font-family="sans-serif" font-size="13" fill="#24292f">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="10" y="28" font-size="16" font-weight="bold">{escape(title)}</text>',
            *drawn,
            "</svg>\n",
        ]
    )
