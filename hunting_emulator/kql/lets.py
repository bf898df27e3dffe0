"""Functions of `let` written out where they are called: named and default arguments, tables.

Pure. The translator knows functions of values alone, without names at their arguments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.pipelines import place_of
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    meaningful,
    split,
    text_of,
    tokenize,
)

_MOST_TOKENS: Final = 60_000
_MOST_CALLS: Final = 2_000
_SHORTEST: Final = 5
_VALUE: Final = 3  # where the value stands, behind `let`, a name and `=`
_COUNTING: Final = frozenset({"top", "take", "limit", "sample", "hitters"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; a table has no type but columns. `default` is the text of its value."""

    name: str
    tabular: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class LetFunction:
    """A function of `let`; `lets` are the names and values of the statements in its body."""

    name: str
    parameters: tuple[Parameter, ...]
    lets: tuple[tuple[str, list[Token]], ...]
    body: list[Token]


def inlined(text: str) -> str:
    """Write out the calls of a query's functions, and leave out the functions.

    >>> inlined("let f = (a:long, b:long=2) { a * b }; print f(b=5, a=1), f(3)")
    ' print ((1) * (5)), ((3) * (2))'
    """
    known: dict[str, LetFunction] = {}
    kept: list[str] = []
    for statement in split(_with_counts(tokenize(text)), ";"):
        function = _function(statement, known)
        if function is None:
            kept.append(text_of(_written(statement, known)))
        else:
            known[function.name] = function
    return ";".join(kept)


def _with_counts(tokens: Sequence[Token]) -> list[Token]:
    """Put a number in the place of its name where an operator counts rows: `top n by …`."""
    told = meaningful(tokens)
    words = [tokens[index] for index in told]
    numbers = {
        words[place + 1].text: words[place + 3].text
        for place in range(len(words) - 4)
        if words[place].text == "let"
        and words[place + 3].kind == "number"
        and words[place + 4].text == ";"
    }
    counted = {
        told[place + 1]
        for place in range(len(words) - 1)
        if words[place].text in _COUNTING and words[place + 1].text in numbers
    }
    return [
        Token("number", numbers[token.text], token.start) if index in counted else token
        for index, token in enumerate(tokens)
    ]


def _function(tokens: Sequence[Token], known: Mapping[str, LetFunction]) -> LetFunction | None:
    """Read `let f = [view] (…) {…}`; nothing where the statement is another."""
    told = meaningful(tokens)
    words = [tokens[index].text for index in told[:5]]
    if len(words) < _SHORTEST or words[0] != "let" or words[2] != "=":
        return None
    opening = told[4] if words[3] == "view" else told[3]
    end = closing(tokens, opening) if at(tokens, opening) == "(" else None
    brace = following(tokens, end + 1) if end is not None else len(tokens)
    last = closing(tokens, brace) if at(tokens, brace) == "{" else None
    if end is None or last is None:
        return None
    return _with_body(words[1], tokens[opening + 1 : end], tokens[brace + 1 : last], known)


def _with_body(
    name: str,
    parameters: Sequence[Token],
    body: Sequence[Token],
    known: Mapping[str, LetFunction],
) -> LetFunction | None:
    """Read the statements of a body, in which functions may be declared and called, too."""
    parts = [part for part in split(body, ";") if meaningful(part)]
    inner = dict(known)
    lets: list[tuple[str, list[Token]]] = []
    for part in parts[:-1]:
        function = _function(part, inner)
        if function is not None:
            inner[function.name] = function
        elif (let := _let(_written(part, inner))) is not None:
            lets.append(let)
    if not parts:
        return None
    return LetFunction(name, _parameters(parameters), tuple(lets), _written(parts[-1], inner))


def _let(tokens: Sequence[Token]) -> tuple[str, list[Token]] | None:
    told = meaningful(tokens)
    if len(told) <= _VALUE or tokens[told[0]].text != "let":
        return None
    return tokens[told[1]].text, list(tokens[told[_VALUE] :])


def _parameters(tokens: Sequence[Token]) -> tuple[Parameter, ...]:
    return tuple(_parameter(part) for part in split(tokens, ",") if text_of(part).strip())


def _parameter(tokens: Sequence[Token]) -> Parameter:
    name, _, kind = text_of(tokens).partition(":")
    _, equals, default = kind.partition("=")
    return Parameter(
        name.strip(), kind.strip().startswith("("), default.strip() if equals else None
    )


def _written(statement: list[Token], known: Mapping[str, LetFunction]) -> list[Token]:
    """Write out every call in a statement, until none is left."""
    for _ in range(_MOST_CALLS):
        found = next(_calls(statement, known), None)
        if found is None:
            return statement
        start, function, arguments, end = found
        made = tokenize(_call(function, arguments))
        statement = [*statement[:start], *made, *statement[end:]]
        if len(statement) > _MOST_TOKENS:
            break
    reason = "its functions call one another too often to be written out"
    raise KqlUnsupportedError(reason)


def _calls(
    tokens: Sequence[Token], known: Mapping[str, LetFunction]
) -> Iterator[tuple[int, LetFunction, list[str], int]]:
    for index, token in enumerate(tokens):
        function = known.get(token.text) if token.kind == "name" else None
        if function is None:
            continue
        opening = following(tokens, index + 1)
        end = closing(tokens, opening) if at(tokens, opening) == "(" else None
        if end is None:
            if not function.parameters and _is_value(tokens, index):
                yield index, function, [], index + 1
            continue
        inside = tokens[opening + 1 : end]
        given = [text_of(part).strip() for part in split(inside, ",")] if text_of(inside) else []
        start, given = _invoked(tokens, index, given)
        yield start, function, given, end + 1


def _invoked(tokens: Sequence[Token], index: int, given: list[str]) -> tuple[int, list[str]]:
    """Take the pipeline before `invoke` for the first argument."""
    told = [place for place in meaningful(tokens) if place < index]
    if not told or tokens[told[-1]].text != "invoke":
        return index, given
    outset = _outset(tokens, told[-1])
    pipe = told[-2]
    return outset, [f"({text_of(tokens[outset:pipe]).strip()})", *given]


def _outset(tokens: Sequence[Token], index: int) -> int:
    return place_of(tokens, index).outset


def _call(function: LetFunction, given: list[str]) -> str:
    values = _bound(function, given)
    for name, value in function.lets:
        values[name] = f"({text_of(_substituted(value, values)).strip()})"
    body = text_of(_substituted(function.body, values)).strip()
    return f"({body})"


def _bound(function: LetFunction, given: list[str]) -> dict[str, str]:
    """Match arguments to parameters: by name, then in order, then by default."""
    by_name: dict[str, str] = {}
    in_order: list[str] = []
    names = {parameter.name for parameter in function.parameters}
    for argument in given:
        name, said = _named(argument)
        if name is not None and name in names:
            by_name[name] = said
        else:
            in_order.append(argument)
    free = [parameter for parameter in function.parameters if parameter.name not in by_name]
    values = {
        parameter.name: f"({by_name[parameter.name]})"
        for parameter in function.parameters
        if parameter.name in by_name
    }
    for place, parameter in enumerate(free):
        value = in_order[place] if place < len(in_order) else parameter.default
        if value is None:
            reason = f"the call of {function.name} lacks {parameter.name}"
            raise KqlUnsupportedError(reason)
        values[parameter.name] = f"({value})"
    return values


def _named(argument: str) -> tuple[str | None, str]:
    tokens = tokenize(argument)
    told = meaningful(tokens)
    if len(told) >= _VALUE and tokens[told[0]].kind == "name" and tokens[told[1]].text == "=":
        return tokens[told[0]].text, text_of(tokens[told[1] + 1 :]).strip()
    return None, argument


def _substituted(tokens: Sequence[Token], values: Mapping[str, str]) -> list[Token]:
    return [
        Token("name", values[token.text], token.start)
        if token.kind == "name" and token.text in values and _is_value(tokens, index)
        else token
        for index, token in enumerate(tokens)
    ]


def _is_value(tokens: Sequence[Token], index: int) -> bool:
    """Say whether a name is read, and neither a key, nor a name that is given, nor called."""
    behind = at(tokens, following(tokens, index + 1))
    return at(tokens, index - 1) != "." and behind not in {"=", "("}
