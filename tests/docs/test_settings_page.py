"""The settings page says what the tap says."""

from tests.docs.settings_page import PAGE, current


def test_settings_page_is_that_of_this_version() -> None:
    """A setting that changes changes the page with it; `make docs` writes it anew."""
    assert PAGE.read_text("utf-8") == current()
