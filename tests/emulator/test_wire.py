"""On the wire, the emulator is the service: encodings, envelopes, connections."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from hunting_emulator.encoding import row_encoder, shortest
from hunting_emulator.settings import ApiName, Wire
from hunting_emulator.tables import Column, Table
from tests.emulator.conftest import Client, JsonObject, same_but_ids
from tests.samples import sample

BAG = "#microsoft.graph.security.dynamicColumnValue"
STRINGS = "#Collection(String)"
MOMENT = "2026-03-01T00:00:00"


def cell(kind: str, value: object, api: ApiName = "graph", wire: Wire | None = None) -> JsonObject:
    """Return the members that one value becomes."""
    encode = row_encoder([Column("X", kind)], api, wire or Wire())
    (row,) = encode([(value,)])
    members: JsonObject = json.loads(row)
    return members


@pytest.mark.parametrize(
    ("kind", "value", "members"),
    [
        pytest.param("string", 'a"\u00e5', {"X": 'a"\u00e5'}, id="string"),
        pytest.param("string", "", {"X": ""}, id="missing-string"),
        pytest.param("bool", True, {"X@odata.type": "#SByte", "X": 1}, id="true"),
        pytest.param("bool", False, {"X@odata.type": "#SByte", "X": 0}, id="false"),
        pytest.param("bool", None, {"X": {}}, id="null-bool"),
        pytest.param("int", 7, {"X": 7}, id="int"),
        pytest.param("long", 2**31 - 1, {"X": 2**31 - 1}, id="last-without-a-sidecar"),
        pytest.param("long", 6308, {"X": 6308}, id="small-long"),
        pytest.param(
            "long", 2629759514, {"X@odata.type": "#Int64", "X": 2629759514}, id="large-long"
        ),
        pytest.param(
            "long",
            -(2**63),
            {"X@odata.type": "#Int64", "X": -(2**63)},
            id="least-long",
        ),
        pytest.param("long", None, {"X": {}}, id="null-long"),
        pytest.param("real", 5.0, {"X": 5.0}, id="real"),
        pytest.param("real", float("nan"), {"X": "NaN"}, id="nan"),
        pytest.param("real", float("inf"), {"X": "INF"}, id="infinity"),
        pytest.param("real", float("-inf"), {"X": "-INF"}, id="minus-infinity"),
        pytest.param("real", None, {"X": {}}, id="null-real"),
        pytest.param("datetime", None, {"X": {}}, id="null-datetime"),
        pytest.param("decimal", "1.50", {"X@odata.type": "#Decimal", "X": 1.5}, id="decimal"),
        pytest.param("guid", "ab", {"X": "ab"}, id="guid"),
        pytest.param("timespan", "1.02:03:04", {"X": "1.02:03:04"}, id="timespan"),
        pytest.param("timespan", None, {"X": {}}, id="null-timespan"),
        pytest.param("dynamic", None, {"X": {}}, id="null-dynamic"),
        pytest.param("dynamic", "{}", {"X": {}}, id="empty-bag"),
        pytest.param("dynamic", "[]", {"X@odata.type": STRINGS, "X": []}, id="empty-list"),
        pytest.param("dynamic", '"text"', {"X": "text"}, id="dynamic-string"),
        pytest.param("dynamic", "3.5", {"X": 3.5}, id="dynamic-number"),
        pytest.param("dynamic", "true", {"X": True}, id="dynamic-bool"),
        pytest.param("dynamic", '["a","b"]', {"X@odata.type": STRINGS, "X": ["a", "b"]}, id="list"),
        pytest.param(
            "dynamic",
            '[{"a":1},null,2,[3]]',
            {"X@odata.type": STRINGS, "X": ['{"a":1}', None, "2", "[3]"]},
            id="list-of-anything",
        ),
        pytest.param(
            "dynamic",
            '{"a":{"b":["c"],"d":false,"e":null}}',
            {
                "X": {
                    "@odata.type": BAG,
                    "a": {
                        "@odata.type": BAG,
                        "b@odata.type": STRINGS,
                        "b": ["c"],
                        "d": False,
                        "e": None,
                    },
                }
            },
            id="bag-in-bag",
        ),
    ],
)
def test_graph_writes_open_types(kind: str, value: object, members: JsonObject) -> None:
    """Sidecars tell what JSON cannot; what is missing is an empty object, but for strings."""
    assert cell(kind, value) == members


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        pytest.param("string", "", "", id="missing-string"),
        pytest.param("bool", True, 1, id="true"),
        pytest.param("bool", None, None, id="null-bool"),
        pytest.param("long", 2**62, 2**62, id="long"),
        pytest.param("datetime", f"{MOMENT}.0000000Z", f"{MOMENT}Z", id="datetime"),
        pytest.param("datetime", None, None, id="null-datetime"),
        pytest.param("decimal", "1.50", "1.50", id="decimal"),
        pytest.param("timespan", "00:01:00", "00:01:00", id="timespan"),
        pytest.param("dynamic", '{"a":[{"b":1}]}', {"a": [{"b": 1}]}, id="bag"),
        pytest.param("dynamic", None, None, id="null-dynamic"),
    ],
)
def test_the_legacy_api_writes_no_sidecars(kind: str, value: object, written: object) -> None:
    """One member a column, and null for null."""
    assert cell(kind, value, "defender") == {"X": written}


def test_forms_that_no_capture_settles_can_be_chosen() -> None:
    """A tap has to take what the service might send, so both can be had."""
    text = Wire(legacy_dynamic="text")

    assert cell("dynamic", '{"a":1}', "defender", text) == {"X": '{"a":1}'}
    assert cell("long", 1, wire=Wire(int64_sidecars="always")) == {"X@odata.type": "#Int64", "X": 1}
    assert cell("long", 2**62, wire=Wire(int64_sidecars="never")) == {"X": 2**62}


@given(st.integers(0, 9_999_999) | st.integers(0, 9_999).map(lambda ms: ms * 1000))
def test_a_fraction_has_0_3_or_7_digits(fraction: int) -> None:
    """The fraction is as short as .NET makes it, and nothing of it is lost."""
    written = shortest(f"{MOMENT}.{fraction:07}Z")

    digits = written.removeprefix(MOMENT).removeprefix(".").removesuffix("Z")
    assert len(digits) in {0, 3, 7}
    assert f"{digits:0<7}" == f"{fraction:07}"
    assert (len(digits) == 7) == bool(fraction % 10_000)


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


@given(st.dictionaries(st.text(min_size=1), values, min_size=1))
def test_a_bag_without_its_annotations_is_the_bag(bag: dict[str, Any]) -> None:
    """Only annotations are added, and only list elements turn into text."""
    written = cell("dynamic", msgspec.json.encode(bag).decode())["X"]

    assert set(_bare(written)) == set(_bare(bag))


def _bare(value: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON
    """Yield the paths of the leaves that no list holds."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if "@odata." not in name:
                yield from (f"{name}/{path}" for path in _bare(inner))
    elif not isinstance(value, list):
        yield json.dumps(value)


EVERY_TYPE = Table.of(
    "Types",
    {
        "Timestamp": "datetime",
        "B": "bool",
        "D": "dynamic",
        "G": "guid",
        "I": "int",
        "L": "long",
        "M": "decimal",
        "R": "real",
        "S": "string",
        "T": "timespan",
    },
)


@pytest.mark.parametrize(
    ("api", "schema", "name", "kind"),
    [("graph", "schema", "name", "type"), ("defender", "Schema", "Name", "Type")],
)
def test_every_type_has_its_net_name(
    client: Client, api: str, schema: str, name: str, kind: str
) -> None:
    """The schema is there when no row is, with the names of .NET's types."""
    client.emulator.engine.create(EVERY_TYPE)

    body = client.hunt("Types", api=api).json()

    assert {column[name]: column[kind] for column in body[schema]} == {
        "Timestamp": "DateTime",
        "B": "SByte",
        "D": "Object",
        "G": "Guid",
        "I": "Int32",
        "L": "Int64",
        "M": "SqlDecimal",
        "R": "Double",
        "S": "String",
        "T": "TimeSpan",
    }


QUERY = "print Timestamp = datetime(2026-03-01T09:39:50.7688641Z), FileName = 'cmd.exe'"


def test_a_graph_answer_has_its_members_and_no_others(client: Client) -> None:
    """Context, schema, results: there is no marker, no link to a next page."""
    body = client.hunt(QUERY).json()

    assert list(body) == ["@odata.context", "schema", "results"]
    assert body["@odata.context"].endswith(
        "/v1.0/$metadata#microsoft.graph.security.huntingQueryResults"
    )
    assert body["results"] == [{"Timestamp": "2026-03-01T09:39:50.7688641Z", "FileName": "cmd.exe"}]


def test_a_legacy_answer_has_the_captured_members(client: Client) -> None:
    """Stats with all that the capture has, then schema and results."""
    captured = sample("xdr_200").json

    body = client.hunt(QUERY, api="defender").json()

    assert list(body) == list(captured)
    assert _shape(body["Stats"]) == _shape(captured["Stats"])
    assert body["Stats"]["dataset_statistics"][0]["table_row_count"] == 1


def _shape(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(value[0])] if isinstance(value, list) else None


@pytest.mark.parametrize(
    "path", ["/v1.0/security/runHuntingQuery", "/beta/security/runHuntingQuery"]
)
def test_graph_has_two_versions(client: Client, path: str) -> None:
    """The context names the version that was called."""
    answer = client.session.post(
        client.emulator.url + path,
        json={"Query": "print 1"},
        headers={"Authorization": f"Bearer {client.token()}"},
        timeout=30,
    )

    assert path.split("/")[1] in answer.json()["@odata.context"]


@pytest.mark.parametrize(
    ("query", "api", "captured"),
    [
        pytest.param("DeviceInfo | ||", "graph", "graph_400_syntax", id="graph-syntax"),
        pytest.param("Nowhere | take 1", "graph", "graph_400_missing_table", id="graph-table"),
    ],
)
def test_a_refused_query_reads_as_captured(
    client: Client, query: str, api: str, captured: str
) -> None:
    """Status 400, the engine's words, a full stop, the advice."""
    answer = client.hunt(query, api=api)

    expected = sample(captured).json
    expected["error"]["message"] = expected["error"]["message"].replace("DeviceInfo", "Nowhere")
    assert answer.status_code == 400
    assert same_but_ids(answer.json(), expected)


@pytest.mark.parametrize(("api", "inside"), [("graph", "innerError"), ("defender", "target")])
def test_each_api_has_its_own_envelope(client: Client, api: str, inside: str) -> None:
    """Graph dates and identifies within; the legacy API has a target."""
    error = client.hunt("Nowhere", api=api).json()["error"]

    assert set(error) == {"code", "message", inside}


def test_graph_gives_a_clients_own_id_back(client: Client) -> None:
    """Support asks for both ids; the client's is in header and body."""
    answer = client.send({"Query": "Nowhere"}, headers={"client-request-id": "mine"})

    assert answer.headers["client-request-id"] == "mine"
    assert answer.json()["error"]["innerError"]["client-request-id"] == "mine"
    assert answer.headers["request-id"] != "mine"


@pytest.mark.parametrize(
    "names", [("Query", "Timespan"), ("query", "timespan"), ("QUERY", "TimeSpan")]
)
def test_graph_takes_parameters_in_any_case(client: Client, names: Sequence[str]) -> None:
    """Clients of both spellings live on Graph."""
    answer = client.send(dict(zip(names, ("print 1", "P1D"), strict=True)))

    assert answer.status_code == 200


def test_the_legacy_api_minds_the_case(client: Client) -> None:
    """The documented answer to a body with another spelling."""
    answer = client.send({"query": "print 1"}, api="defender")

    assert answer.status_code == 400
    assert same_but_ids(answer.json(), sample("mde_400_request_body").json)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"Query": 1}', id="no-text"),
        pytest.param(b'{"Query": " "}', id="blank"),
        pytest.param(b'{"Query": "\xff"}', id="no-utf-8"),
        pytest.param(b'{"Query": "print 1", "Timespan": 3}', id="odd-timespan"),
        pytest.param(b'{"Query": "print 1", "Rows": 3}', id="unknown-parameter"),
    ],
)
def test_graph_refuses_other_bodies(client: Client, body: bytes) -> None:
    """A body that is not what the API reads is a 400, and is logged."""
    answer = client.send(body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert client.emulator.calls[-1].status == 400


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_a_body_must_say_that_it_is_json(client: Client, api: str) -> None:
    """JSON under another content type is refused."""
    answer = client.send({"Query": "print 1"}, api=api, headers={"Content-Type": "text/plain"})

    assert answer.status_code == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_a_body_is_compressed_as_the_client_asks(client: Client, encoding: str) -> None:
    """The body of each encoding is the same text."""
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "identity": bytes,
    }
    headers = {
        "Authorization": f"Bearer {client.token()}",
        "Accept-Encoding": encoding,
    }

    answer = client.session.post(
        f"{client.emulator.graph_url}/security/runHuntingQuery",
        json={"Query": "range n from 1 to 5000 step 1"},
        headers=headers,
        stream=True,
        timeout=30,
    )

    body = json.loads(unpack[encoding](answer.raw.read(decode_content=False)))
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert [row["n"] for row in body["results"]] == list(range(1, 5001))


@pytest.mark.parametrize(
    ("compression", "encoding"),
    [("deflate", "deflate"), ("gzip", "gzip"), (False, None), (True, "gzip")],
)
def test_a_body_may_be_compressed_in_one_way_alone(
    client: Client, compression: object, encoding: str | None
) -> None:
    """Captures show either; a client takes both."""
    client.emulator.configure(compression=compression)

    answer = client.hunt("print n = 1")

    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.json()["results"] == [{"n": 1}]


def test_connections_are_kept_and_counted(client: Client) -> None:
    """Many calls, one handshake."""
    before = client.emulator.connections
    for _ in range(5):
        client.hunt("print 1")
    client.hunt("Nowhere")
    kept = client.emulator.connections
    with requests.Session() as another:
        Client(client.emulator, another).hunt("print 1")

    assert kept - before == 1
    assert client.emulator.connections - kept == 1


def test_what_the_emulator_cannot_run_is_its_own_501(client: Client) -> None:
    """A limit of the emulator is never dressed up as the service's answer."""
    answer = client.hunt("print 1 | evaluate python(typeof(*), 'result = df')")

    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "EmulatorUnsupported"
