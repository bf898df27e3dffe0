"""Secrets that are known by value, taken out of a text that a stranger wrote. Pure.

A host may repeat what it was sent: whole, in part, or in the form of a URL, of JSON, of HTML, in
base64. What is sent is known, so no form of a token has to be guessed.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from string import ascii_lowercase, ascii_uppercase
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_STARS: Final = "***"
# A part of so many characters gives a secret away; a shorter one may be any word
_SHORTEST_PART: Final = 12
# A shorter value is taken out as a word of its own alone, and in no other form
_SHORTEST_INSIDE: Final = 4
_SHORTEST_ENCODED: Final = 8
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)

_VIEWS: Final = (str, html.unescape, unquote, unquote_plus)

_Span = tuple[int, int]


def without_secrets(secrets: Iterable[str], text: str) -> str:
    """Return the text with stars in the place of the secrets, in upper or lower case.

    Parts of twelve characters are taken out, too, and so are the forms of URL, JSON, HTML, base64
    and hexadecimal digits. The time grows with the length of the text, and of the secrets.

    >>> without_secrets(["S3cr3t~value-of-it"], "S3cr3t~value-o…, UzNjcjN0fnZhbHVlLW9mLWl0, s3cr3t")
    '***…, ***, s3cr3t'
    """
    forms = {form.translate(_LOWER) for secret in secrets if secret for form in _forms(secret)}
    if not forms or not text:
        return text
    for _ in _VIEWS:
        # an escape in another form than ours is undone, where a secret is behind it
        seen = {view: _merged(_spans(view.translate(_LOWER), forms)) for view in _views(text)}
        view, spans = max(seen.items(), key=lambda item: sum(end - start for start, end in item[1]))
        if not spans:
            break
        text = _starred(view, spans)
    return text


def _views(text: str) -> Iterator[str]:
    return (view(text) for view in _VIEWS)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    if len(secret) < _SHORTEST_INSIDE:
        return
    data = secret.encode("utf-8", "surrogatepass")
    yield from (secret.upper(), secret.lower(), json.dumps(secret)[1:-1], repr(secret)[1:-1])
    yield from (quote(data), quote(data, safe=""), quote_plus(data), html.escape(secret))
    yield from filter(_is_long, chain([data.hex()], *(_base64(data, ahead) for ahead in range(3))))


def _is_long(form: str) -> bool:
    return len(form) >= _SHORTEST_ENCODED


def _base64(data: bytes, ahead: int) -> Iterator[str]:
    """Yield the characters that are the same whatever stands around, behind so many bytes."""
    encoded = base64.b64encode(bytes(ahead) + data)
    text = encoded[-(-ahead * 8 // 6) : (ahead + len(data)) * 8 // 6].decode()
    yield from (text, text.replace("+", "-").replace("/", "_"))


def _spans(text: str, forms: Iterable[str]) -> Iterator[_Span]:
    """Yield where the forms are, or parts of them, in no order."""
    for form in forms:
        if len(form) < _SHORTEST_PART:
            inside = len(form) >= _SHORTEST_INSIDE
            pattern = re.escape(form) if inside else rf"(?<!\w){re.escape(form)}(?!\w)"
            yield from (found.span() for found in re.finditer(pattern, text))
    there = set(_parts(text))
    known = {part for form in forms for part in _parts(form) if part in there}
    for start, part in enumerate(_parts(text)):
        if part in known:
            yield start, start + _SHORTEST_PART


def _parts(text: str) -> Iterator[str]:
    return (text[i : i + _SHORTEST_PART] for i in range(len(text) - _SHORTEST_PART + 1))


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    merged = list[_Span]()
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _starred(text: str, spans: Iterable[_Span]) -> str:
    kept, done = list[str](), 0
    for start, end in spans:
        kept += [text[done:start], _STARS]
        done = end
    return "".join([*kept, text[done:]])
