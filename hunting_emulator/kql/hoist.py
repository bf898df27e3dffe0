"""Sources in brackets, by names.

Pure. `(T) | take 1` is KQL, but the translator takes only names for sources.
"""

from hunting_emulator.kql.tokens import Token, at, closing, following, split, text_of, tokenize


def hoist(text: str) -> str:
    r"""Name a source that stands in brackets, `(T) | take 1`, by a `let` before it.

    >>> hoist("let x = 1; (T | where n > x) | take 1")
    'let x = 1;let __source0 = (T | where n > x);\n __source0 | take 1'
    """
    lets: list[str] = []
    made = []
    for part in split(tokenize(text), ";"):
        before = len(lets)
        statement = _hoisted(part, lets)
        made.append("".join(lets[before:]) + statement)
    return ";".join(made)


def _hoisted(tokens: list[Token], lets: list[str]) -> str:
    """Return a statement whose bracketed sources are names, whose `let` is added to `lets`."""
    tokens = _unwrapped(tokens)
    while (found := _bracketed_source(tokens)) is not None:
        start, end = found
        source = _hoisted(tokens[start + 1 : end], lets)
        name = f"__source{len(lets)}"
        lets.append(f"let {name} = ({source});\n")
        tokens = [*tokens[:start], Token("name", name, 0), *tokens[end + 1 :]]
    return text_of(tokens)


def _unwrapped(tokens: list[Token]) -> list[Token]:
    """Take off brackets around the whole statement."""
    start = following(tokens, 0)
    end = closing(tokens, start) if at(tokens, start) == "(" else None
    if end is None or at(tokens, following(tokens, end + 1)):
        return tokens
    return _unwrapped(tokens[start + 1 : end])


def _bracketed_source(tokens: list[Token]) -> tuple[int, int] | None:
    """Find a bracket that opens an expression and is followed by a pipe."""
    for start in _openings(tokens):
        end = closing(tokens, start)
        if end is not None and at(tokens, following(tokens, end + 1)) == "|":
            return start, end
    return None


def _openings(tokens: list[Token]) -> list[int]:
    """Indices of brackets that begin the statement's expression, outermost first."""
    index = following(tokens, 0)
    if at(tokens, index) == "let":
        equals = next((i for i in range(index, len(tokens)) if at(tokens, i) == "="), len(tokens))
        index = following(tokens, equals + 1)
    found = []
    while at(tokens, index) == "(":
        found.append(index)
        index = following(tokens, index + 1)
    return found
