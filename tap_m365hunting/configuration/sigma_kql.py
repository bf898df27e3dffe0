"""The conditions of a Sigma rule as KQL that means the same on rows of a hunting table.

pySigma reads the rule and names the columns; each comparison is written here, by the column's type:
a row whose value is null fits no condition but `null`, and so fits the negation of all others. A
condition that KQL cannot say raises `NotImplementedError`, whose text names it.

Imported with the first rule, since pySigma takes half a second.
"""

import re
from typing import Any, Final

from sigma.backends.kusto.kusto import KustoBackend
from sigma.conditions import ConditionOR
from sigma.pipelines.microsoftxdr.microsoftxdr import MICROSOFT_XDR_SCHEMA
from sigma.types import (
    SigmaCIDRExpression,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

_NUMBERS: Final = frozenset({"int", "long", "real", "double", "decimal"})
_BOOLEANS: Final = frozenset({"bool", "boolean"})
_MULTI: Final = SpecialChars.WILDCARD_MULTI
_SINGLE: Final = SpecialChars.WILDCARD_SINGLE
# Columns that hold the second half of Sysmon's DOMAIN\USER, with the column of the first half
_DOMAINS: Final = {
    "AccountName": "AccountDomain",
    "InitiatingProcessAccountName": "InitiatingProcessAccountDomain",
    "RequestAccountName": "RequestAccountDomain",
}
# RE2, which the service uses, has none of these
# -- https://learn.microsoft.com/en-us/kusto/query/regex (read 2026-11-29)
_NOT_IN_RE2: Final = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=|P>)|\\[1-9kZ]|[*+?}]\+")
# In a class of characters, and behind a backslash, these signs mean themselves.
_MEANT: Final = re.compile(r"\\[^1-9kZ]|(?<!\\)\[\^?\]?(?:\\.|[^\]\\])*\]")
_OPERATORS: Final = {
    (True, True): "contains",
    (False, True): "startswith",
    (True, False): "endswith",
}


class HuntingBackend(KustoBackend):
    """Writes each comparison by the type of the column that it is about."""

    convert_and_as_in = False
    explicit_not_exists_expression = True

    def convert_condition_field_eq_val_str(self, cond: Any, state: Any) -> str:
        """Compare text, in any case of letters."""
        return _text_matches(cond.field, cond.value, _Columns(state), cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: Any) -> str:
        """Compare text in its own case."""
        return _text_matches(cond.field, cond.value, _Columns(state), cased=True)

    def convert_condition_field_eq_val_num(self, cond: Any, state: Any) -> str:
        """Compare with a number; a column of text holds it as text."""
        columns = _Columns(state)
        if columns.type(cond.field) in _NUMBERS:
            return f"coalesce({cond.field} == {cond.value}, false)"
        return f"{columns.text(cond.field)} =~ {_literal(str(cond.value))}"

    def convert_condition_field_eq_val_bool(self, cond: Any, state: Any) -> str:
        """Compare with true or false."""
        value, columns = str(bool(cond.value.boolean)).lower(), _Columns(state)
        if columns.type(cond.field) in _BOOLEANS:
            return f"coalesce({cond.field} == {value}, false)"
        return f"{columns.text(cond.field)} =~ {_literal(value)}"

    def convert_condition_field_eq_val_re(self, cond: Any, state: Any) -> str:
        """Search text by a regular expression."""
        return f"{_Columns(state).text(cond.field)} matches regex {_regex(cond.value)}"

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: Any) -> str:
        """Say if an address lies in a network; of no address nothing does."""
        value: SigmaCIDRExpression = cond.value
        kind = f"ipv{value.network.version}"
        text = _Columns(state).text(cond.field)
        if value.network.version == 6:  # noqa: PLR2004 - the other kind of address
            # the function takes 1.2.3.4 for ::ffff:1.2.3.4
            within = f"coalesce({kind}_is_in_range({text}, {_literal(str(value))}), false)"
            return f"({text} contains {_literal(':')} and {within})"
        return f"coalesce({kind}_is_in_range({text}, {_literal(str(value))}), false)"

    def convert_condition_field_compare_op_val(self, cond: Any, state: Any) -> str:
        """Compare the size of numbers; text is read as one."""
        columns = _Columns(state)
        number = columns.type(cond.field) in _NUMBERS
        left = cond.field if number else f"todouble({columns.text(cond.field)})"
        sign = self.compare_operators[cond.value.op]
        return f"coalesce({left} {sign} {cond.value.number}, false)"

    def convert_condition_field_eq_field(self, cond: Any, state: Any) -> str:
        """Compare two columns that both hold something."""
        columns, other = _Columns(state), cond.value
        ends = (bool(other.ends_with), bool(other.starts_with))
        sign = _OPERATORS.get(ends, "=~")
        left, right = columns.text(cond.field), columns.text(other.field)
        return f"(isnotempty({right}) and {left} {sign} {right})"

    def convert_condition_field_eq_val_null(self, cond: Any, state: Any) -> str:
        """Say if there is nothing."""
        return f"isempty({_Columns(state).text(cond.field)})"

    def convert_condition_field_exists(self, cond: Any, state: Any) -> str:
        """Say if there is something."""
        return f"isnotempty({_Columns(state).text(cond.field)})"

    def convert_condition_field_not_exists(self, cond: Any, state: Any) -> str:
        """Say if there is nothing."""
        return f"isempty({_Columns(state).text(cond.field)})"

    def decide_convert_condition_as_in_expression(self, cond: Any, state: Any) -> bool:
        """Choose `in~` for plain texts of one column alone."""
        del state
        args: list[Any] = cond.args if isinstance(cond, ConditionOR) else []
        fields = {getattr(arg, "field", None) for arg in args}
        return len(fields) == 1 and all(_is_plain(getattr(arg, "value", None)) for arg in args)

    def convert_condition_as_in_expression(self, cond: Any, state: Any) -> str:
        """Compare with each of several plain texts."""
        values = ", ".join(_literal("".join(map(str, arg.value.s))) for arg in cond.args)
        return f"{_Columns(state).text(cond.args[0].field)} in~ ({values})"

    def convert_condition_field_eq_val_timestamp_part(self, cond: Any, state: Any) -> str:
        """Refuse parts of a time: windows would see them in UTC, and no rule says which zone."""
        raise NotImplementedError(_no("a part of a time", cond))

    def convert_condition_field_eq_query_expr(self, cond: Any, state: Any) -> str:
        """Refuse a piece of another query language."""
        raise NotImplementedError(_no("a part of a query", cond))

    def convert_condition_val_str(self, cond: Any, state: Any) -> str:
        """Refuse a keyword."""
        raise NotImplementedError(_KEYWORD)

    convert_condition_val_num = convert_condition_val_str
    convert_condition_val_re = convert_condition_val_str
    convert_condition_query_expr = convert_condition_val_str


_KEYWORD: Final = "A keyword without a field has no column to be looked for in; name the field"


class _Columns:
    """The columns of the table that the rule is about."""

    def __init__(self, state: Any) -> None:
        self._table = state.processing_state.get("query_table")
        table = MICROSOFT_XDR_SCHEMA.tables.get(self._table)
        self._fields = table.fields if table else {}

    def type(self, name: str) -> str:
        """Return the column's type.

        Raises:
            NotImplementedError: the table has no such column.
        """
        found = self._fields.get(name)
        if found is None:
            msg = f"{self._table} has no column for the field {name}"
            raise NotImplementedError(msg)
        return str(found.data_type)

    def text(self, name: str, *, with_domain: bool = False) -> str:
        """Return KQL for the column's text.

        Raises:
            NotImplementedError: the column holds times, or JSON, whose text is not the value's.
        """
        kind = self.type(name)
        if kind in {"datetime", "dynamic"}:
            msg = f"The column {name} holds {kind} values, which are not to be compared as text"
            raise NotImplementedError(msg)
        if kind != "string":
            return f"tostring({name})"
        domain = _DOMAINS.get(name)
        if with_domain and domain in self._fields:
            return f'strcat({domain}, "\\\\", {name})'
        return name


def _is_plain(value: object) -> bool:
    return type(value) is SigmaString and bool(value.s) and not value.contains_special()


def _text_matches(name: str, value: SigmaString, columns: _Columns, *, cased: bool) -> str:
    parts = list(value.s)
    if any(not isinstance(part, str | SpecialChars) for part in parts):
        msg = f"The placeholder in the field {name} has no values"
        raise NotImplementedError(msg)
    text = columns.text(name, with_domain=any(part is _MULTI for part in parts))
    if not parts:
        return f"isempty({text})"
    if all(part is _MULTI for part in parts):
        return f"isnotempty({text})"
    head, tail = parts[0] is _MULTI, parts[-1] is _MULTI
    middle = parts[head : len(parts) - tail]
    if any(isinstance(part, SpecialChars) for part in middle):
        return f"{text} matches regex {_literal(_pattern(parts, cased=cased))}"
    plain = _literal("".join(map(str, middle)))
    if operator := _OPERATORS.get((head, tail)):
        return f"{text} {operator}{'_cs' if cased else ''} {plain}"
    return f"{text} {'==' if cased else '=~'} {plain}"


def _pattern(parts: list[Any], *, cased: bool) -> str:
    wild = {_MULTI: ".*", _SINGLE: "."}
    body = "".join(re.escape(part) if isinstance(part, str) else wild[part] for part in parts)
    return f"(?{'' if cased else 'i'}s)^{body}$"


def _regex(value: SigmaRegularExpression) -> str:
    pattern = str(value.regexp)
    if found := _NOT_IN_RE2.search(_MEANT.sub("x", pattern)):
        msg = f"The regular expression uses {found[0]}, which RE2 does not have"
        raise NotImplementedError(msg)
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    return _literal(f"(?{flags}){pattern}" if flags else pattern)


def _literal(text: str) -> str:
    r"""Write a text as KQL does.

    >>> print(_literal('C:\\a "b"'))
    "C:\\a \"b\""
    """
    if any(ord(char) < ord(" ") or ord(char) in (0x7F, 0x85, 0x2028, 0x2029) for char in text):
        return '"' + "".join(_escaped(char) for char in text) + '"'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    return char if char.isprintable() else f"\\u{ord(char):04x}"


def _no(what: str, cond: Any) -> str:
    return f"The field {cond.field} is compared with {what}, which has no KQL"
