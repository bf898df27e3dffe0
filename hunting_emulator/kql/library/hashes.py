"""Kusto's `hash`, xxHash64 of a text's UTF-8 bytes or the eight bytes of a number or time; Base64.

Pure. Checked against the values of Microsoft's page on `hash()`; the algorithm is public:
https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (read 2026-11-29). A text of 32 bytes
and more gets DuckDB's own hash, which is fast; xxHash64 in SQL takes most of a millisecond there.
"""

from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_P1: Final = "11400714785074694791::UBIGINT"
_P2: Final = "14029467366897019727::UBIGINT"
_P3: Final = "1609587929392839161::UBIGINT"
_P4: Final = "9650029242287828579::UBIGINT"
_P5: Final = "2870177450012600261::UBIGINT"
_ALL: Final = "18446744073709551616::UHUGEINT"
_ALL_BUT_ONE: Final = "18446744073709551615::UHUGEINT"
_SHORT: Final = 64  # hexadecimal digits of 32 bytes


def _bound(name: str, value: str, then: str) -> str:
    """Compute a value once, however often it is read."""
    return f"list_transform([{value}], lambda {name}: {then})[1]"


# `h` is the text's bytes in hexadecimal digits; lanes are read from it in little-endian order.
_EIGHT: Final = (
    "list_reduce(range(length(h) // 16), lambda a, i: kusto_xxh_add(kusto_xxh_mul("
    "kusto_xxh_turned(xor(a, kusto_xxh_mul(kusto_xxh_turned("
    f"kusto_xxh_mul(kusto_xxh_lane(h, i * 16, 16), {_P2}), 31), {_P1})), 27), {_P1}), {_P4}), s)"
)
_FOUR: Final = (
    "list_reduce(range(length(h) % 16 // 8), lambda a, i: kusto_xxh_add(kusto_xxh_mul("
    "kusto_xxh_turned(xor(a, kusto_xxh_mul("
    f"kusto_xxh_lane(h, length(h) // 16 * 16, 8), {_P1})), 23), {_P2}), {_P3}), s)"
)
_ONE: Final = (
    "list_reduce(range(length(h) % 8 // 2), lambda a, i: kusto_xxh_mul(kusto_xxh_turned("
    "xor(a, kusto_xxh_mul("
    f"kusto_xxh_lane(h, length(h) // 8 * 8 + i * 2, 2), {_P5})), 11), {_P1}), s)"
)
_LAST: Final = _bound(
    "p",
    f"kusto_xxh_mul(xor(z, z >> 33), {_P2})",
    _bound("q", f"kusto_xxh_mul(xor(p, p >> 29), {_P3})", "xor(q, q >> 32)"),
)
_SIGNED: Final = (
    "CASE WHEN u >= 9223372036854775808::UBIGINT "
    "THEN CAST(u::HUGEINT - 18446744073709551616::HUGEINT AS BIGINT) ELSE CAST(u AS BIGINT) END"
)
_SHORT_HASH: Final = _bound(
    "s",
    f"kusto_xxh_add({_P5}, (length(h) // 2)::UBIGINT)",
    _bound(
        "s",
        "kusto_xxh_eight(h, s)",
        _bound("s", "kusto_xxh_four(h, s)", _bound("z", "kusto_xxh_one(h, s)", _LAST)),
    ),
)
_NUMBER: Final = (
    "array_to_string(list_transform(range(8), lambda i: lpad(lower(to_hex("
    "(n::HUGEINT + CASE WHEN n < 0 THEN 18446744073709551616::HUGEINT ELSE 0 END)"
    " // pow(256, i)::HUGEINT % 256)), 2, '0')), '')"
)

FUNCTIONS: Final[tuple[Function, ...]] = (
    helper("xxh_mul", "a, b", f"CAST(a::UHUGEINT * b::UHUGEINT % {_ALL} AS UBIGINT)"),
    helper("xxh_add", "a, b", f"CAST((a::UHUGEINT + b::UHUGEINT) % {_ALL} AS UBIGINT)"),
    # turning 64 bits to the left by n is multiplying by 2^n where 2^64 counts as 1
    helper(
        "xxh_turned", "x, n", f"CAST(x::UHUGEINT * pow(2, n)::UHUGEINT % {_ALL_BUT_ONE} AS UBIGINT)"
    ),
    helper(
        "xxh_lane",
        "h, o, n",
        "CAST('0x' || array_to_string(list_reverse("
        "regexp_extract_all(substr(h, CAST(o + 1 AS BIGINT), n), '..')), '') AS UBIGINT)",
    ),
    helper("xxh_eight", "h, s", _EIGHT),
    helper("xxh_four", "h, s", _FOUR),
    helper("xxh_one", "h, s", _ONE),
    helper("signed", "u", _SIGNED),
    helper("number_hex", "n", _NUMBER),
    helper(
        "hash_hex",
        "h",
        _bound(
            "u",
            f"CASE WHEN length(h) < {_SHORT} THEN {_SHORT_HASH} ELSE hash(h) END",
            "kusto_signed(u)",
        ),
    ),
    helper(
        "hash_bytes",
        "x",
        "CASE WHEN typeof(x) IN ('TIMESTAMP', 'TIMESTAMP_NS') "
        "THEN kusto_number_hex(kusto_ticks(x)) "
        "WHEN typeof(x) IN ('BIGINT', 'INTEGER') THEN kusto_number_hex(TRY_CAST(x AS BIGINT)) "
        "ELSE hex(encode(kusto_tostring(x))) END",
    ),
    function(
        "hash",
        ("x", _bound("h", "kusto_hash_bytes(x)", "kusto_hash_hex(h)")),
        (
            "x, n",
            _bound("h", "kusto_hash_bytes(x)", _bound("m", "kusto_hash_hex(h)", "(m % n + n) % n")),
        ),
    ),
    function(
        "base64_decode_tostring", ("x", "coalesce(TRY(decode(from_base64(kusto_plain(x)))), '')")
    ),
    function("base64_decodestring", ("x", "kusto_base64_decode_tostring(x)")),
    function(
        "base64_decode_toarray",
        (
            "x",
            (
                "to_json(list_transform(regexp_extract_all(hex(TRY(from_base64(kusto_plain("
                "x)))), '..'), "
                "lambda h: CAST('0x' || h AS BIGINT)))"
            ),
        ),
    ),
)
