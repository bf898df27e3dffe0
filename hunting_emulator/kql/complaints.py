"""Complaints of Microsoft's parser, in the service's words.

Pure. The published parser complains in words of its own; where the service's words for the same
fault are known, the service's words are used.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from hunting_emulator.kql import diagnose, locate
from hunting_emulator.kql.errors import KqlError, KqlSemanticError, KqlSyntaxError
from hunting_emulator.kql.tokens import meaningful, quoted, tokenize
from hunting_emulator.parser.judge import Complaint, Verdict

_SYNTAX: Final = frozenset({"KS174", "KS176", "KS198", "KS250"})
_FIRST_OF_MEANING: Final = "KS100"
_TYPES: Final = re.compile(r"operator '(\S+)' is not defined for the operand types (\w+) and (\w+)")
_COMPARISONS: Final = frozenset({"==", "!=", "<>", "<", ">", "<=", ">=", "=~", "!~"})
_INVOKED: Final = frozenset({"FileProfile", "SeenBy", "DeviceFromIP"})


def refusal(text: str, verdict: Verdict) -> KqlError | None:
    """Return the error for a verdict, `None` for a sound text."""
    tokens = tokenize(text)
    told = meaningful(tokens)
    if not told or tokens[told[0]].text == ".":  # nothing, or a command, which hunting has none of
        return diagnose.syntax(text)
    wrong = verdict.complaints
    if any(_is_syntax(complaint) for complaint in wrong):
        return _syntax(text, next(filter(_is_syntax, wrong)))
    if wrong:
        return _meaning(text, wrong[0])
    return None if verdict.tabular else KqlSemanticError(diagnose.NO_STATEMENT)


def judged(text: str) -> str:
    r"""Return the text for the parser's eyes: columns of `invoke` in quotes.

    The service takes a column's name there; the parser would look the name up as a value.

    >>> judged("T | invoke FileProfile(SHA1, 10) | where SHA1 != ''")
    'T | invoke FileProfile("SHA1", 10) | where SHA1 != \'\''
    """
    tokens = tokenize(text)
    told = meaningful(tokens)
    pieces = [token.text for token in tokens]
    for place, index in enumerate(told[3:], 3):
        before = [tokens[at].text for at in told[place - 3 : place]]
        called = before[0] == "invoke" and before[1] in _INVOKED and before[2] == "("
        if called and tokens[index].kind == "name":
            pieces[index] = quoted(tokens[index].text)
    return "".join(pieces)


def _is_syntax(complaint: Complaint) -> bool:
    return complaint.code in _SYNTAX or complaint.code < _FIRST_OF_MEANING


def _syntax(text: str, complaint: Complaint) -> KqlSyntaxError:
    said = diagnose.syntax(text)
    line, column = locate.position(text, complaint.start)
    return KqlSyntaxError(str(said), line=line, column=column)


def _meaning(text: str, complaint: Complaint) -> KqlSemanticError:
    name = text[complaint.start : complaint.end].strip("[]'\"")
    line, column = locate.position(text, complaint.start)
    said = _SAID.get(complaint.code, _own_words)(text, name, complaint)
    return KqlSemanticError(said, line=line, column=column)


def _own_words(_text: str, _name: str, complaint: Complaint) -> str:
    return complaint.message.removesuffix(".")


def _missing_name(text: str, name: str, complaint: Complaint) -> str:
    tokens = tokenize(text)
    at = next((i for i, token in enumerate(tokens) if token.start >= complaint.start), None)
    operator = None if at is None else locate.operator_at(tokens, at)
    if operator is None:  # the name stands where a table would
        return str(diagnose.missing_table(text, name))
    return f"'{operator}' operator: Failed to resolve scalar expression named '{name}'"


def _missing_table(text: str, name: str, _complaint: Complaint) -> str:
    return str(diagnose.missing_table(text, name))


def _unknown_function(_text: str, name: str, _complaint: Complaint) -> str:
    return f"Unknown function: '{name}'"


def _types(_text: str, _name: str, complaint: Complaint) -> str:
    found = _TYPES.search(complaint.message)
    if found is None or found[1] not in _COMPARISONS:
        return complaint.message.removesuffix(".")
    return diagnose.compared(found[2], found[3])


_SAID: Final[Mapping[str, Callable[[str, str, Complaint], str]]] = {
    "KS106": _types,
    "KS142": _missing_name,
    "KS204": _missing_table,
    "KS211": _unknown_function,
}
