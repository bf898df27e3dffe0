"""An answer is read whole, or it is an error."""

import io
import json
import tracemalloc
from typing import Any

import pytest

from tap_m365hunting.errors import ServiceError, WindowTooLargeError
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.records import Converter, Record
from tap_m365hunting.wire.schema import Column, DynamicAs, Shape
from tests.samples import sample

SCHEMA = [{"name": "N", "type": "Int64"}, {"name": "S", "type": "String"}]
LARGE = 17 * 2**20
ROWS = [{"N": n, "S": f"row {n}"} for n in range(3000)]


def _body(**outer: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(outer).encode()


def _read(body: bytes, dialect: Dialect = GRAPH) -> tuple[QueryResult, list[Any]]:
    answer = read_answer(io.BytesIO(body), dialect)
    return answer, list(answer.rows)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body(schema=SCHEMA, results=ROWS), id="schema-first"),
        pytest.param(_body(results=ROWS, schema=SCHEMA), id="results-first"),
        pytest.param(_body(Results=ROWS, Schema=SCHEMA, Stats={}), id="other-case"),
        pytest.param(
            json.dumps({"schema": SCHEMA, "results": ROWS}, indent=2).encode(), id="pretty"
        ),
        pytest.param(b"\xef\xbb\xbf" + _body(schema=SCHEMA, results=ROWS), id="byte-order-mark"),
        pytest.param(
            _body(a={"results": []}, schema=SCHEMA, results=ROWS, z="}]}"), id="more-keys"
        ),
    ],
)
def test_rows_are_read_in_any_layout(body: bytes) -> None:
    """Nothing promises an order of keys, or that there are no spaces."""
    answer, rows = _read(body)

    assert answer.columns == (Column("N", "Int64"), Column("S", "String"))
    assert rows == ROWS


def test_rows_come_in_pieces() -> None:
    """A full result is never held as rows all at once."""
    rows = ROWS * 10
    answer = read_answer(_body(schema=SCHEMA, results=rows), GRAPH)

    pieces = list(answer.pieces)

    assert answer.count == len(rows)
    assert len(pieces) > 2
    assert [row for piece in pieces for row in piece] == rows


@pytest.mark.parametrize(
    ("outer", "columns"),
    [
        pytest.param({"schema": SCHEMA, "results": []}, 2, id="no-rows"),
        pytest.param({"schema": SCHEMA, "results": None}, 2, id="null-results"),
        pytest.param({"schema": SCHEMA}, 2, id="absent-results"),
        pytest.param({"schema": [], "results": []}, 0, id="empty-schema"),
        pytest.param({"schema": None, "results": []}, 0, id="null-schema"),
        pytest.param({"results": []}, 0, id="absent-schema"),
        pytest.param({"schema": []}, 0, id="nothing-else"),
    ],
)
def test_an_empty_answer_may_leave_things_out(outer: dict[str, Any], columns: int) -> None:
    """No rows is an answer, in all of its forms."""
    answer, rows = _read(_body(**outer))

    assert len(answer.columns) == columns
    assert rows == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"<html>Sign in</html>", id="html"),
        pytest.param(_body(value=[]), id="another-api"),
        pytest.param(_body(schema=SCHEMA, results=ROWS)[:-1], id="last-byte-cut-off"),
        pytest.param(_body(schema=SCHEMA, results=ROWS)[:-2], id="two-bytes-cut-off"),
        pytest.param(_body(schema=SCHEMA, results=ROWS)[:-40], id="last-row-cut-off"),
        pytest.param(_body(schema=SCHEMA, results=ROWS)[:9999], id="cut-off-in-the-middle"),
        pytest.param(_body(schema=SCHEMA, results=ROWS)[:60], id="cut-off-in-the-schema"),
        pytest.param(_body(schema=SCHEMA, results=ROWS) + b"{}", id="more-than-one"),
        pytest.param(
            _body(schema=SCHEMA, results=ROWS).replace(b"row 1500", b'row"1500'), id="quote"
        ),
        pytest.param(_body(results=ROWS), id="rows-without-schema"),
        pytest.param(_body(schema=SCHEMA, results=[*ROWS, 5]), id="a-row-that-is-none"),
        pytest.param(_body(schema=SCHEMA, results=[*ROWS, None]), id="a-null-row"),
        pytest.param(_body(schema=SCHEMA, results={"N": 1}), id="results-that-are-no-list"),
        pytest.param(_body(schema=SCHEMA, results="none"), id="results-that-are-text"),
        pytest.param(_body(schema=[{"name": "N"}], results=[]), id="column-without-type"),
        pytest.param(_body(schema=["N"], results=[]), id="column-that-is-text"),
        pytest.param(_body(schema={"N": "Int64"}, results=[]), id="schema-that-is-no-list"),
        pytest.param(_body(schema=5, results=[]), id="schema-that-is-a-number"),
    ],
)
def test_a_broken_answer_is_an_error_to_try_again(body: bytes) -> None:
    """Half of the rows must never pass for all of them."""
    with pytest.raises(ServiceError, match="answered 200, but"):
        _read(body)


def test_an_answer_that_says_it_is_partial_is_too_large() -> None:
    """Status 200 with an error inside means that rows were left out."""
    error = {
        "code": "PartialError",
        "message": "Query result set has exceeded the internal data size",
    }

    with pytest.raises(WindowTooLargeError, match="internal data size"):
        _read(_body(schema=SCHEMA, results=ROWS, error=error))


def test_one_odd_text_costs_nothing_else() -> None:
    """Half a surrogate pair, broken UTF-8 and a bare NaN are read; the other rows are untouched."""
    body = (
        b'{"schema":[{"name":"N","type":"Int64"},{"name":"S","type":"String"}],"results":['
        b'{"N":1,"S":"\\ud800"},{"N":2,"S":"a\xffb"},{"N":NaN,"S":"x"},'
        b'{"N":9223372036854775808123,"S":"\\ud83d\\ude00"}]}'
    )

    answer, rows = _read(body)

    records = list(Converter(Shape.of(answer.columns, row_id=False)).records(rows))
    assert [record["S"] for record in records] == ["\ufffd", "a\ufffdb", "x", "\U0001f600"]
    assert [record["N"] for record in records] == [1, 2, None, 9223372036854775808123]


@pytest.mark.parametrize(
    ("total", "seconds"),
    [
        pytest.param("00:00:19.0625000", 19.0625, id="fraction"),
        pytest.param("00:01:00", 60.0, id="whole"),
        pytest.param("1.00:00:01", 86401.0, id="days"),
        pytest.param("a while", None, id="no-span"),
        pytest.param(None, None, id="null"),
    ],
)
def test_the_price_of_a_query_is_told_where_the_service_tells_it(
    total: str | None, seconds: float | None
) -> None:
    """Only Defender's own API says what a query cost."""
    stats = {"resource_usage": {"cpu": {"total cpu": total}}}

    answer, _ = _read(_body(Stats=stats, Schema=SCHEMA, Results=[]), DEFENDER)

    assert answer.cpu_seconds == seconds


# --- captured answers -----------------------------------------------------------------------------


def _captured(name: str, dialect: Dialect, *, dynamic_as: DynamicAs = "string") -> list[Record]:
    answer, rows = _read(sample(name).body, dialect)
    shape = Shape.of(answer.columns, row_id=False, dynamic_as=dynamic_as)
    return list(Converter(shape).records(rows))


@pytest.mark.parametrize(
    ("name", "dialect", "first"),
    [
        pytest.param(
            "graph_200",
            GRAPH,
            {
                "Timestamp": "2026-02-11T06:41:07.1234567Z",
                "FileName": "net.exe",
                "InitiatingProcessFileName": "wscript.exe",
            },
            id="graph",
        ),
        pytest.param(
            "graph_200_capital_schema_keys",
            GRAPH,
            {
                "Timestamp": "2026-02-12T23:59:59.9999999Z",
                "FileName": "tar.exe",
                "InitiatingProcessFileName": "wscript.exe",
            },
            id="graph-with-capitals",
        ),
        pytest.param(
            "graph_beta_200",
            GRAPH,
            {
                "Timestamp": "2026-02-13T10:20:30.4050000Z",
                "Title": "Archive made in a public folder",
            },
            id="three-digits",
        ),
        pytest.param(
            "graph_200_sbyte_double",
            GRAPH,
            {"CveId": "CVE-2026-10101", "IsExploitAvailable": True, "CvssScore": 7.7},
            id="sbyte",
        ),
        pytest.param("graph_200_int64_sidecar", GRAPH, {"EmailClusterId": 4123456789}, id="int64"),
        pytest.param(
            "mde_200",
            DEFENDER,
            {
                "Timestamp": "2026-02-17T01:02:03.0405067Z",
                "FileName": "csc.exe",
                "InitiatingProcessFileName": "wscript.exe",
                "DeviceId": "aabbccddeeff00112233445566778899aabbccdd",
            },
            id="endpoint",
        ),
        pytest.param(
            "xdr_200",
            DEFENDER,
            {
                "Timestamp": "2026-02-18T11:12:13.1415161Z",
                "FileName": "at.exe",
                "InitiatingProcessFileName": "wscript.exe",
            },
            id="defender",
        ),
        pytest.param(
            "xdr_200_alertinfo",
            DEFENDER,
            {
                "Timestamp": "2026-02-19T07:08:09.0000000Z",
                "AlertId": "fa0001",
                "Title": "Mailbox searched in bulk",
                "Category": "Collection",
                "Severity": "Low",
                "ServiceSource": "Microsoft Defender for Office 365",
                "DetectionSource": "Microsoft Defender for Office 365",
                "AttackTechniques": "",
            },
            id="alerts",
        ),
    ],
)
def test_captured_answers_become_these_records(
    name: str, dialect: Dialect, first: dict[str, Any]
) -> None:
    """Written by hand from the answers."""
    assert _captured(name, dialect)[0] == first


def test_a_captured_empty_answer_has_columns() -> None:
    """The schema is there when the rows are not."""
    answer, rows = _read(sample("graph_200_empty").body)

    assert (answer.columns, rows) == ((Column("Timestamp", "DateTime"),), [])


def test_a_captured_app_has_null_for_an_empty_bag() -> None:
    """ConsentedUsersCount is a long without a value, VerifiedPublisher a bag with one."""
    (text,) = _captured("graph_200_oauthapp", GRAPH)
    (nested,) = _captured("graph_200_oauthapp", GRAPH, dynamic_as="json")

    assert text["Timestamp"] == "2026-02-15T08:09:10.1120000Z"
    assert text["AddedOnTime"] == "2026-01-31T12:13:14.0000000Z"
    assert text["IsAdminConsented"] is True
    assert text["ConsentedUsersCount"] is None
    assert text["RiskScore"] == 31
    assert text["AssignedRoles"] == "[]"
    assert text["VerifiedPublisher"] == (
        '{"displayName":"Fabrikam Travel, Ltd.","verifiedPublisherId":"1234567",'
        '"addedDateTime":"2025-06-07T08:09:10.0000000Z"}'
    )
    assert nested["Permissions"][1] == {
        "PermissionType": "Delegated",
        "PermissionValue": "User.ReadBasic.All",
        "InUse": "false",
        "PrivilegeLevel": "Low",
    }
    assert json.loads(text["Permissions"]) == nested["Permissions"]


def test_a_captured_assessment_has_null_for_an_unknown_boolean() -> None:
    """A null boolean comes as an empty bag, without its sidecar."""
    (record,) = _captured("graph_200_secureconfig", GRAPH)

    assert record == {
        "DeviceId": "00112233445566778899aabbccddeeff00112233",
        "DeviceName": "build-04",
        "OSPlatform": "Linux",
        "Timestamp": "2026-02-16T17:18:19.0000000Z",
        "ConfigurationId": "scid-90210",
        "ConfigurationCategory": "Network",
        "ConfigurationSubcategory": "",
        "ConfigurationImpact": 8.0,
        "IsCompliant": False,
        "IsApplicable": True,
        "Context": "[]",
        "IsExpectedUserImpact": None,
    }


def test_captured_vulnerabilities_keep_the_joined_column() -> None:
    """A join adds CveId1, and empty text stays empty text."""
    record = _captured("graph_200_vulnerability", GRAPH)[0]

    assert record == {
        "CveId": "CVE-2026-20202",
        "CveTags": "[]",
        "CveMitigationStatus": "",
        "CveId1": "CVE-2026-20202",
        "CvssScore": 8.8,
        "EpssScore": 0.01234,
        "IsExploitAvailable": True,
        "PublishedDate": "2026-02-01T05:00:00.0000000Z",
    }


def test_a_captured_aggregate_needs_no_sidecars() -> None:
    """Counts come without a sidecar here, with one elsewhere."""
    records = _captured("graph_200_aggregate", GRAPH)

    assert [r["instances"] for r in records] == [5120, 256]
    assert records[1]["max_cvss"] == 9.0
    assert records[0]["IsExploitAvailable"] is False


def test_captured_graph_nodes_are_clean_at_every_depth() -> None:
    """Four levels of typed bags, real booleans, and objects as text in lists."""
    nested = _captured("graph_200_exposuregraph_nodes", GRAPH, dynamic_as="json")
    texts = _captured("graph_200_exposuregraph_nodes", GRAPH)

    assert nested[0]["EntityIds"] == [
        {
            "type": "AiModelNameAndVersion",
            "id": "name=whisperer;version=3",
        }
    ]
    metadata = nested[0]["NodeProperties"]["rawData"]["aiModelMetadata"]
    assert metadata["isExpired"] is False
    assert metadata["taskCapabilities"] == ["speech"]
    assert list(nested[1]["NodeProperties"]) == ["rawData"]
    assert not [text for record in texts for text in record.values() if "@odata" in text]


def test_captured_graph_edges_decode_texts_deep_inside() -> None:
    """Permissions are a list of texts four levels down."""
    (edge,) = _captured("graph_200_exposuregraph_edge", GRAPH, dynamic_as="json")

    delegated = edge["EdgeProperties"]["rawData"]["delegatedPermissions"]
    assert delegated["permissions"][0] == {"permissionValue": "Place.Read.All"}
    assert edge["EdgeProperties"]["rawData"]["applicationPermissions"] == {
        "type": "OAuthPermission",
        "permissions": [],
    }


def test_a_captured_list_of_bags_is_one_json_text() -> None:
    """make_list of bags arrives as a list of texts; quotes inside stay what they are."""
    (record,) = _captured("graph_200_dynamic_bag_array", GRAPH)

    (evidence,) = json.loads(record["evidence"])
    assert evidence["CommandLine"] == '"wscript" //E:jscript "C:\\Temp\\a b.txt"'


def test_captured_rows_of_getschema_are_rows() -> None:
    """A schema that is asked for as data is data."""
    assert _captured("xdr_200_getschema", DEFENDER) == [
        {
            "ColumnName": "Timestamp",
            "ColumnOrdinal": 0,
            "DataType": "System.DateTime",
            "ColumnType": "datetime",
        }
    ]


def _large(rows: bytes) -> bytes:
    return b'{"schema":[{"name":"N","type":"String"}],"results":[%b' % rows


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(
            _large(b'{"N":"x"},' * 1000 + b'{"N":"%b"}]}\n' % (b"x" * LARGE)),
            WindowTooLargeError,
            id="a-row-without-end",
        ),
        pytest.param(_large(b"[" * LARGE + b"]" * LARGE + b"]}"), WindowTooLargeError, id="nested"),
        pytest.param(b"{" + b" " * LARGE + b"}", WindowTooLargeError, id="nothing-but-space"),
        pytest.param(_large(b'{"N":"x"},' * (LARGE // 9)), ServiceError, id="cut-off"),
        pytest.param(b"<html>" + b"x" * LARGE, ServiceError, id="no-json"),
    ],
)
def test_a_large_body_that_is_no_answer_is_not_read_at_once(
    body: bytes, error: type[Exception]
) -> None:
    """All of it as objects may take thirty times its size; a narrower window may be an answer."""
    read = io.BytesIO(body)
    tracemalloc.start()
    try:
        with pytest.raises(error):
            read_answer(read, GRAPH)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < LARGE
