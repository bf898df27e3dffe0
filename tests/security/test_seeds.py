"""The places where leaks are put in for the purpose, as they are in the code."""

from pathlib import Path

from tests.security.seeds import ROOT, SEEDS


def test_each_leak_has_its_place_in_the_code() -> None:
    """A place that is gone would end `make seeded-leaks` before it has tried them all."""
    for module, place, leak in SEEDS:
        text = Path(ROOT, "tap_m365hunting", module).read_text("utf-8")
        assert place in text, (module, place)
        assert leak not in text, (module, leak)
