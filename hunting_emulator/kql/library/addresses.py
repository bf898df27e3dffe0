"""IP addresses: `ipv4_…`, `ipv6_…`, `has_ipv4` and its kin, and the place of an address.

Pure. A text other than an address is null, as on Microsoft's pages on the functions.
"""

from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS: Final = rf"^\s*{_OCTET}(\.{_OCTET}){{3}}(/([0-9]|[12][0-9]|3[0-2]))?\s*$"
_MASKED: Final = "CAST(kusto_ipv4(x) // pow(2, 32 - p)::BIGINT * pow(2, 32 - p)::BIGINT AS BIGINT)"
_PLACES: Final = (
    ("United States", "Virginia", "Ashburn", "39.0438", "-77.4874"),
    ("Netherlands", "North Holland", "Amsterdam", "52.3676", "4.9041"),
    ("Germany", "Hesse", "Frankfurt am Main", "50.1109", "8.6821"),
    ("Singapore", "", "Singapore", "1.3521", "103.8198"),
    ("Brazil", "Sao Paulo", "Sao Paulo", "-23.5505", "-46.6333"),
    ("Australia", "New South Wales", "Sydney", "-33.8688", "151.2093"),
)
_WHERE: Final = " ".join(
    f'WHEN {index} THEN \'{{"country":"{country}","state":"{state}","city":"{city}",'
    f'"latitude":{latitude},"longitude":{longitude}}}\''
    for index, (country, state, city, latitude, longitude) in enumerate(_PLACES)
)
_PRIVATE: Final = (
    "kusto_ipv4(x) >> 24 = 10 OR kusto_ipv4(x) >> 20 = 2753 OR kusto_ipv4(x) >> 16 = 49320"
)
# an address ends where neither a digit nor a letter follows, nor a dot and another octet
_FOUND: Final = (
    "regexp_matches(kusto_plain(x), "
    "'(?:^|[^\\pL\\pN.])' || regexp_escape(kusto_plain(a)) || '(?:$|[^\\pL\\pN.]|\\.(?:$|[^0-9]))')"
)
_PREFIXED: Final = (
    "regexp_matches(kusto_plain(x), "
    "'(?:^|[^\\pL\\pN.])' || regexp_escape(kusto_plain(a)) || '[0-9.]*(?:$|[^\\pL\\pN])')"
)


def _any(test: str) -> tuple[str, str]:
    """Return the overload with a list of texts to look for, any of which will do."""
    return "x, l", f"list_bool_or(list_transform(kusto_texts(l), lambda a: {test}))"


FUNCTIONS: Final[tuple[Function, ...]] = (
    helper(
        "ipv4",
        "x",
        f"CASE WHEN regexp_matches(kusto_plain(x), '{_ADDRESS}') "
        "THEN kusto_address(trim(kusto_plain(x))) END",
    ),
    helper(
        "ipv4_prefix",
        "x",
        "coalesce(TRY_CAST(nullif(split_part(kusto_plain(x), '/', 2), '') AS INTEGER), 32)",
    ),
    helper(
        "dotted",
        "n",
        "concat_ws('.', n // 16777216 % 256, n // 65536 % 256, n // 256 % 256, n % 256)",
    ),
    helper("ipv4_or_number", "x", "coalesce(TRY_CAST(kusto_plain(x) AS BIGINT), kusto_ipv4(x))"),
    helper("ipv4_masked", "x, p", _MASKED),
    helper("least_prefix", "a, b", "least(kusto_ipv4_prefix(a), kusto_ipv4_prefix(b))"),
    function(
        "ipv4_is_private",
        ("x", f"CASE WHEN kusto_ipv4(x) IS NULL THEN NULL ELSE {_PRIVATE} END"),
    ),
    function(
        "ipv4_is_match",
        (
            "a, b",
            (
                "kusto_ipv4_masked(a, kusto_least_prefix(a, b)) "
                "= kusto_ipv4_masked(b, kusto_least_prefix(a, b))"
            ),
        ),
        (
            "a, b, n",
            (
                "kusto_ipv4_masked(a, least(n, kusto_least_prefix(a, b))) "
                "= kusto_ipv4_masked(b, least(n, kusto_least_prefix(a, b)))"
            ),
        ),
    ),
    function(
        "ipv4_compare",
        (
            "a, b",
            (
                "CAST(sign(kusto_ipv4_masked(a, kusto_least_prefix(a, b)) "
                "- kusto_ipv4_masked(b, kusto_least_prefix(a, b))) AS BIGINT)"
            ),
        ),
        (
            "a, b, n",
            (
                "CAST(sign(kusto_ipv4_masked(a, least(n, kusto_least_prefix(a, b))) "
                "- kusto_ipv4_masked(b, least(n, kusto_least_prefix(a, b)))) AS BIGINT)"
            ),
        ),
    ),
    function(
        "ipv4_is_in_range",
        (
            "a, b",
            (
                "kusto_ipv4_masked(a, kusto_ipv4_prefix(b)) "
                "= kusto_ipv4_masked(b, kusto_ipv4_prefix(b))"
            ),
        ),
    ),
    function(
        "ipv4_is_in_any_range",
        (
            "a, l",
            "list_bool_or(list_transform(kusto_texts(l), lambda b: kusto_ipv4_is_in_range(a, b)))",
        ),
    ),
    function(
        "ipv4_netmask_suffix",
        ("x", "CASE WHEN kusto_ipv4(x) IS NOT NULL THEN CAST(kusto_ipv4_prefix(x) AS BIGINT) END"),
    ),
    function("parse_ipv4_mask", ("x, p", "kusto_ipv4_masked(x, p)")),
    function(
        "format_ipv4",
        ("x", "kusto_dotted(kusto_ipv4_or_number(x))"),
        (
            "x, p",
            (
                "kusto_dotted(kusto_ipv4_or_number(x) "
                "// pow(2, 32 - p)::BIGINT * pow(2, 32 - p)::BIGINT)"
            ),
        ),
    ),
    function(
        "format_ipv4_mask",
        ("x", "kusto_format_ipv4(x) || '/32'"),
        ("x, p", "kusto_format_ipv4(x, p) || '/' || p"),
    ),
    function("has_ipv4", ("x, a", f"kusto_ipv4(a) IS NOT NULL AND {_FOUND}")),
    function("has_any_ipv4", _any(f"kusto_ipv4(a) IS NOT NULL AND {_FOUND}")),
    function("has_ipv4_prefix", ("x, a", _PREFIXED)),
    function("has_any_ipv4_prefix", _any(_PREFIXED)),
    function(
        "geo_info_from_ip_address",
        (
            "x",
            (
                "CAST(CASE WHEN kusto_ipv4_is_private(x) OR (kusto_ipv4(x) IS NULL "
                "AND NOT contains(kusto_plain(x), ':')) THEN '{}' ELSE CASE "
                "CAST(hash(split_part(split_part(kusto_plain(x), '.', 1), ':', 1)) % "
                f"{len(_PLACES)} AS INTEGER) {_WHERE} END END AS JSON)"
            ),
        ),
    ),
)
