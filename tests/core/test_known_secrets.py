"""What was sent is taken out of an answer's text, in whatever form the answer has it."""

import base64
import html
import json
from collections.abc import Callable
from string import printable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.known_secrets import without_secrets

SECRET = "aB3~xY9+kL/mN=pQ.rS&tU<vW>\"z'é"
SECRETS = st.text(printable.strip(), min_size=12, max_size=200)
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps(text)[1:-1],
    "html": html.escape,
    "html-numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "basic": lambda text: base64.b64encode(f"app:{text}".encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(f"id:{text}".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "twice": lambda text: quote(html.escape(text)),
}


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_taken_out_in_any_form(form: str) -> None:
    """A few characters beside it may be left of what was encoded with it."""
    encoded = FORMS[form](SECRET)

    left = without_secrets([SECRET], f"The value {encoded} is odd")

    assert "***" in left
    assert len(left) <= len("The value *** is odd") + 8
    assert all(encoded[i : i + 8] not in left for i in range(len(encoded) - 7))


@given(SECRETS, st.data())
def test_no_part_of_a_secret_is_left(secret: str, data: st.DataObject) -> None:
    """Of twelve characters or more, wherever it was cut."""
    start = data.draw(st.integers(0, len(secret) - 12))
    end = data.draw(st.integers(start + 12, len(secret)))

    left = without_secrets([secret], f"({secret[start:end]})")

    assert secret[start:end].lower() not in left.lower()


@given(st.text(max_size=80), st.text("0123456789", min_size=4, max_size=40))
def test_text_without_the_secret_is_left_as_it_is(text: str, secret: str) -> None:
    """Escapes of its own stay."""
    text = "".join(char for char in text if not char.isalnum() and char not in "&%+")

    assert without_secrets([secret], text) == text


def test_short_secret_is_taken_out_as_a_word() -> None:
    """Else every c of the message would be a star."""
    assert without_secrets(["c"], "Application c: check") == "Application ***: check"
    assert without_secrets(["", "hunter2"], "xhunter2x") == "x***x"
    assert without_secrets([], "%41 &amp;") == "%41 &amp;"
