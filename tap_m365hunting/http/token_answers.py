"""Answers of token endpoints, held against their form before any library reads them.

Pure. A proxy's page, a cut answer or a JSON of another shape has no place in a log, and libraries
in expectation of OAuth's form quote such texts or fail. So an answer is made anew of the known
members, each of its type; otherwise there are a few words without the text.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

#: The members of an answer that is known, each of its type.
Answer = dict[str, Any]

# Tokens of Entra ID have a few kilobytes.
_LONGEST_TOKEN: Final = 1 << 16
# Ten years; those of Entra ID live for a day at most.
_LONGEST_SECONDS: Final = 315_360_000
_LAST_EPOCH: Final = 1 << 40
_CODE: Final = re.compile(r"[a-z_]{1,64}")
_WORD: Final = re.compile(r"[A-Za-z_.]{1,64}|[\w.-]{1,16}")


class AnswerFormError(ValueError):
    """An answer in no known form; the message holds none of the text."""


def json_object(body: bytes) -> Mapping[str, Any]:
    """Return a body's JSON object, with or without a byte order mark.

    Raises:
        AnswerFormError: the body is no JSON object.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        msg = "an answer that is not JSON"
        raise AnswerFormError(msg) from error
    if not isinstance(value, dict):
        msg = "JSON that is no object"
        raise AnswerFormError(msg)
    return value


def known_members(given: Mapping[str, Any]) -> Answer:
    """Return the members named by OAuth 2.0 (RFC 6749, RFC 8628) and the identity endpoints.

    A member of a wrong type is left out, and so is an identity token without a decodable form.
    """
    found = {key: read(given[key]) for key, read in _MEMBERS.items() if key in given}
    return {key: value for key, value in found.items() if value is not None}


def words(value: object) -> str | None:
    """Return a text for people or a code; other characters without a space may be a token.

    >>> words("Identity not found"), words("identity.NotFound"), words("0.AXkA9v8hPZ2kQ2Zx-x3QZ")
    ('Identity not found', 'identity.NotFound', None)
    """
    text = _text(value) or ""
    return text if " " in text or _WORD.fullmatch(text) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _code(value: object) -> str | None:
    """Return a code of an error: a lower-case name (RFC 6749, 5.2), so that no token is quoted."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _token(value: object) -> str | None:
    """Return a token: visible ASCII, the only characters for a header (RFC 6750, 2.1)."""
    text = _text(value) or ""
    fits = 0 < len(text) <= _LONGEST_TOKEN and text.isascii() and text.isprintable()
    return text if fits and " " not in text else None


def _whole_number(most: int) -> Callable[[object], int | None]:
    """Return a reader of numbers from 0 to `most`, or of their texts, as in older endpoints."""

    def read(value: object) -> int | None:
        if (
            isinstance(value, str)
            and value.isascii()
            and value.isdigit()
            and len(value) <= len(str(most))
        ):
            value = int(value)
        if isinstance(value, float) and isfinite(value):
            value = int(value)
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and isinstance(value, int) and 0 <= value <= most else None

    return read


def _decoded(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None


def _id_token(value: object) -> str | None:
    token = _token(value) or ""
    parts = token.split(".")
    claims = _decoded(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - RFC 7519
    return token if isinstance(claims, dict) else None


def _client_info(value: object) -> str | None:
    """Return the signed-in account, MSAL's key of an account."""
    token = _token(value) or ""
    claims = _decoded(token)
    named = isinstance(claims, dict) and all(
        isinstance(claims.get(k), str) for k in ("uid", "utid")
    )
    return token if named else None


_seconds: Final = _whole_number(_LONGEST_SECONDS)
_MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    **dict.fromkeys(("access_token", "refresh_token", "device_code"), _token),
    **dict.fromkeys(("expires_in", "ext_expires_in", "refresh_in", "interval"), _seconds),
    **dict.fromkeys(("token_type", "scope", "resource", "user_code", "verification_uri"), _text),
    **dict.fromkeys(("error", "suberror"), _code),
    **dict.fromkeys(("error_description", "message"), words),
    **dict.fromkeys(("correlation_id", "claims"), _text),
    **dict.fromkeys(("client_id", "object_id", "msi_res_id", "mi_res_id"), _text),
    "expires_on": _whole_number(_LAST_EPOCH),
    "id_token": _id_token,
    "client_info": _client_info,
}
