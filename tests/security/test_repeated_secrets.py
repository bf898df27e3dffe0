"""A host that repeats what it was sent, in whatever form, gets no part of it into an output."""

import base64
import html
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import pytest

from tests.security.hosts import Bytes, reply
from tests.security.world import CLIENT, World, rows_answer, token_answer

#: No JWT: tokens for other audiences are encrypted, or opaque.
OPAQUE = "0.AXkA9v8hPZ2kQ2Zx+x3QZ/b4cD5eF6gH7iJ8kL9mN0oP1qR2sT3uV4wX5yZ6aB7cD8"
ENTRA = "iK28Q~iGp.58WAm_dX3a5IDnOdcdbWB2dC4.DSDC"
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "url": partial(quote, safe=""),
    "html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html-names": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-within": lambda text: base64.b64encode(f"ab:{text}".encode()).decode(),
    "cut": lambda text: text[: len(text) // 2],
    "end": lambda text: text[-14:],
}
LOGIN_ERRORS = {"error": "invalid_client", "suberror": "x"}


def parts(text: str) -> list[str]:
    """Return the parts of a text that would give it away, of sixteen characters."""
    return [text[i : i + 16] for i in range(2, max(3, len(text) - 18))]


def always(answer: Bytes, _: str) -> Bytes:
    """Answer so, whatever is asked."""
    return answer


@pytest.mark.parametrize("form", FORMS)
def test_token_that_an_error_repeats_is_in_no_output(world: World, form: str) -> None:
    """The token is known by value; no form has to be guessed."""
    sent = FORMS[form](OPAQUE)
    world.login = lambda _: reply(token_answer(OPAQUE))
    for status in (200, 400, 403, 500):
        error = {"error": {"code": f"c-{sent}", "message": f"The token '{sent}' is odd"}}
        world.api = partial(always, reply(error, status))
        for name, ran in world.everything(max_wait_minutes=0).items():
            assert ran.holds(OPAQUE, sent, *parts(sent)) == [], (name, status, ran.errors)
            assert b"***" in ran.text or "plan" in name


@pytest.mark.parametrize("form", FORMS)
def test_secret_that_a_sign_in_repeats_is_in_no_output(world: World, form: str) -> None:
    """The host answers in Entra ID's form, about the secret that it was sent."""
    sent = FORMS[form](ENTRA)
    said = {"error_description": f"AADSTS7000215: '{sent}' is wrong", "correlation_id": sent}
    world.login = lambda _: reply({**LOGIN_ERRORS, **said}, 401)

    for name, ran in world.everything(client_secret=ENTRA).items():
        assert ran.holds(ENTRA, sent, *parts(sent)) == [], (name, ran.errors)
        assert ran.status == 1, name


@pytest.mark.parametrize("secret", [ENTRA, "hunter2secret"])
def test_secret_in_the_place_of_the_client_id_is_in_no_output(world: World, secret: str) -> None:
    """Entra ID repeats the application's id, and both stand in each other's place."""
    said = f"AADSTS700016: Application with identifier '{secret}' was not found in the directory"
    world.login = lambda _: reply({**LOGIN_ERRORS, "error_description": said}, 400)

    ran = world.everything(client_id=secret, client_secret=CLIENT)

    for name, one in ran.items():
        assert one.holds(secret) == [], (name, one.errors)
        assert one.status == 1, name
    assert b"client_id: is no GUID" in ran["tap, info"].errors
    assert b"client_id: is no GUID" in ran["check, info"].errors
    assert b"with identifier '***' was not found" in ran["tap, info"].errors


def test_client_id_that_is_a_guid_is_told(world: World) -> None:
    """It is no secret, and what an operator looks for."""
    said = f"AADSTS700016: Application with identifier '{CLIENT}' was not found in the directory"
    world.login = lambda _: reply({**LOGIN_ERRORS, "error_description": said}, 400)

    ran = world.tap(level="info")

    assert CLIENT.encode() in ran.errors
    assert b"is no GUID" not in ran.errors


def test_answer_without_a_secret_is_quoted_as_before(world: World) -> None:
    """Words of the service are what an operator has."""
    error = {"error": {"code": "BadRequest", "message": "'where' & 100%25 of it: a&amp;b"}}
    world.api = lambda query: reply(error, 400) if query else reply(rows_answer(query))

    ran = world.check(level="info")

    assert b"'where' & 100%25 of it: a&amp;b" in ran.text
