"""Where the APIs are found, in which order they refuse, and what real clients send to them."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import TypedDict, Unpack
from urllib.parse import quote

import pytest
import requests

from tests.emulator.conftest import Client

HUNTING = "/v1.0/security/runHuntingQuery"
QUALIFIED = "/security/microsoft.graph.security.runHuntingQuery"
FUNCTION = "/beta/security/microsoft.graph.security.getRunHuntingQuery"


class Options(TypedDict, total=False):
    """The parts of a call that `requests` takes."""

    json: object
    data: bytes
    params: Mapping[str, str]
    headers: Mapping[str, str]


def call(
    client: Client, method: str, path: str, *, api: str = "graph", **options: Unpack[Options]
) -> requests.Response:
    """Call a path with a token of an API."""
    token = {"Authorization": f"Bearer {client.token(api)}"}
    given: Options = {**options, "headers": {**token, **options.get("headers", {})}}
    return client.session.request(method, client.emulator.url + path, timeout=30, **given)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"/v1.0{QUALIFIED}", id="generated-sdk"),
        pytest.param(f"/beta{QUALIFIED}", id="generated-beta-sdk"),
        pytest.param("/beta/security/runHuntingQuery", id="beta"),
        pytest.param("/v1.0/security/runHuntingQuery/", id="slash"),
        pytest.param("/v1.0/security/runHuntingQuery()", id="parentheses"),
        pytest.param("/V1.0/Security/RunHuntingQuery", id="capitals"),
        pytest.param("/v1.0/SECURITY/MICROSOFT.GRAPH.SECURITY.RUNHUNTINGQUERY", id="all-capitals"),
    ],
)
def test_the_action_has_many_spellings(client: Client, path: str) -> None:
    """Graph reads paths without regard to case, and actions with their namespace."""
    answer = call(client, "POST", path, json={"Query": "print n = 1"})

    assert answer.status_code == 200
    version = path.split("/")[1].lower()
    assert f"/{version}/$metadata#" in answer.json()["@odata.context"]


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [
        pytest.param("query='print n = 1'", [{"n": 1}], id="query"),
        pytest.param("query='print n = ''a/b''',timespan='P1D'", [{"n": "a/b"}], id="quotes"),
        pytest.param("timespan='P1D', query='print n = 1'", [{"n": 1}], id="other-order"),
        pytest.param("query='print n = \"(,)\"'", [{"n": "(,)"}], id="parentheses"),
    ],
)
def test_beta_has_a_function_by_get(
    client: Client, parameters: str, rows: list[dict[str, object]]
) -> None:
    """The parameters are OData's literals in the path; the answer is that of the action."""
    names = (FUNCTION, "/beta/security/getRunHuntingQuery", "/beta/security/GETRUNHUNTINGQUERY")

    answers = [call(client, "GET", f"{name}({quote(parameters)})").json() for name in names]

    assert [answer["results"] for answer in answers] == [rows] * 3
    assert client.emulator.calls[-1].query.startswith("print n")
    assert client.emulator.calls[-1].timespan in {None, "P1D"}


def test_parameters_of_the_function_may_stand_behind_it(client: Client) -> None:
    """OData's aliases keep long queries out of the path."""
    path = "/beta/security/getRunHuntingQuery(query=@kql)"

    found = call(client, "GET", path, params={"@kql": "'print n = 1'"})
    lacking = call(client, "GET", path)

    assert found.json()["results"] == [{"n": 1}]
    assert (lacking.status_code, lacking.json()["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("parameters", ["query=print", "query='print", "", "q='print 1'"])
def test_a_function_with_wrong_parameters_is_a_400(client: Client, parameters: str) -> None:
    """No closing quote, no quotes, no query, another parameter."""
    answer = call(client, "GET", f"/beta/security/getRunHuntingQuery({quote(parameters)})")

    assert answer.status_code == 400


def test_a_function_of_v1_is_unknown(client: Client) -> None:
    """It is a function of beta alone."""
    answer = call(client, "GET", "/v1.0/security/getRunHuntingQuery(query='print 1')")

    assert answer.status_code == 400
    assert "segment 'getRunHuntingQuery'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("length", "status"), [(10_000, 200), (20_000, 414), (70_000, 414)])
def test_an_overlong_url_is_414(client: Client, length: int, status: int) -> None:
    """Documented of the function; the way out is the action."""
    query = f"print n = 1 //{'x' * length}"

    answer = call(client, "GET", f"/beta/security/getRunHuntingQuery(query='{quote(query)}')")

    assert answer.status_code == status
    assert call(client, "POST", HUNTING, json={"Query": query}).status_code == 200


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1.0/security/alertz", "Resource not found for the segment 'alertz'."),
        ("/v1.0/alertz/run", "Resource not found for the segment 'alertz'."),
        ("/v2.0/security/runHuntingQuery", "Invalid version: v2.0"),
    ],
)
def test_an_unknown_path_of_graph_is_400(client: Client, path: str, message: str) -> None:
    """Graph knows what it does not have by its model, not by its routes."""
    answer = call(client, "POST", path, json={})

    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["message"]) == (
        "BadRequest",
        message,
    )


def test_an_unknown_path_of_defender_is_404(client: Client) -> None:
    """In the envelope of that API."""
    answer = call(client, "POST", "/api/alerts", api="defender", json={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert "target" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "api"),
    [(HUNTING, "graph"), ("/api/advancedhunting/run", "defender")],
)
def test_hunting_is_by_post(client: Client, path: str, api: str) -> None:
    """Another method is 405, and the answer says which is allowed."""
    answer = call(client, "GET", path, api=api)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_the_function_is_by_get(client: Client) -> None:
    """Another method is 405, and the answer says which is allowed."""
    answer = call(client, "POST", "/beta/security/getRunHuntingQuery(query='print 1')", json={})

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/v1.0/security/nothing", id="unknown"),
        pytest.param("POST", "/v9/security/nothing", id="unknown-version"),
        pytest.param("GET", HUNTING, id="method"),
        pytest.param("POST", "/api/nothing", id="unknown-of-defender"),
        pytest.param("GET", "/api/advancedhunting/run", id="method-of-defender"),
    ],
)
def test_who_calls_is_asked_before_what(client: Client, method: str, path: str) -> None:
    """Without a token every path is 401, so that nothing is learned of what is there."""
    answer = client.session.request(method, client.emulator.url + path, timeout=30)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_every_answer_of_graph_has_its_ids(client: Client) -> None:
    """Support asks for them, whatever went wrong; a client's own id is given back."""
    client.emulator.fail_next("timed_out", when="slow")
    sent = {"client-request-id": "mine"}
    answers = [
        call(client, "POST", HUNTING, json={"Query": "print 1"}, headers=sent),
        call(client, "POST", HUNTING, json={"Query": "Nowhere"}, headers=sent),
        call(client, "POST", HUNTING, json={"Query": "print 'slow'"}, headers=sent),
        call(client, "POST", HUNTING, data=b"x" * 1_100_000, headers=sent),
        call(client, "POST", "/v1.0/nothing", headers=sent),
        call(client, "GET", HUNTING, headers=sent),
        call(client, "GET", f"/beta/{'x' * 20_000}", headers=sent),
        client.session.post(client.emulator.url + HUNTING, headers=sent, timeout=30),
    ]

    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 400, 504, 413, 400, 405, 414, 401]
    assert {answer.headers["client-request-id"] for answer in answers} == {"mine"}
    assert len({answer.headers["request-id"] for answer in answers}) == len(answers)


def test_every_answer_of_defender_and_of_the_login_has_an_id(client: Client) -> None:
    """Of a login the id is that of the trace in the refusal's text."""
    answers = [
        call(client, "POST", "/api/advancedhunting/run", api="defender", json={"Query": "print 1"}),
        call(client, "POST", "/api/nothing", api="defender"),
        call(client, "GET", "/api/advancedhunting/run", api="defender"),
    ]
    refused = client.login(client_secret="guessed")

    assert len({answer.headers["request-id"] for answer in answers}) == 3
    assert client.login().headers["x-ms-request-id"]
    assert refused.headers["x-ms-request-id"] == refused.json()["trace_id"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
@pytest.mark.parametrize("api", ["graph", "defender"])
def test_a_request_may_be_compressed(client: Client, api: str, encoding: str) -> None:
    """The generated SDKs of several languages do so without being asked."""
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "identity": bytes,
    }
    body = pack[encoding](json.dumps({"Query": "print n = 1"}).encode())

    answer = client.send(body, api=api, headers={"Content-Encoding": encoding})

    assert answer.status_code == 200
    assert client.emulator.calls[-1].query == "print n = 1"


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        pytest.param("br", b"{}", 415, id="unknown"),
        pytest.param("gzip", b"{}", 400, id="not-compressed"),
        pytest.param("gzip", gzip.compress(b'{"Query": "print 1"}')[:-9], 400, id="cut-off"),
        pytest.param("gzip", gzip.compress(b" " * 2_000_000), 413, id="too-large-inside"),
    ],
)
def test_what_does_not_inflate_is_refused(
    client: Client, encoding: str, body: bytes, status: int
) -> None:
    """Before the query is looked at, and in bounded room."""
    assert client.send(body, headers={"Content-Encoding": encoding}).status_code == status


def test_defender_for_endpoint_has_its_own_api(client: Client) -> None:
    """Its token, its permission, and its tables: those of devices."""
    scope = "https://api.securitycenter.microsoft.com/.default"
    token = client.login(scope=scope).json()["access_token"]
    url = f"{client.emulator.url}/api/advancedqueries/run"

    def run(query: str, given: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {given}"}
        return client.session.post(url, json={"Query": query}, headers=headers, timeout=30)

    answer = run("DeviceInfo | count", token)

    assert answer.json()["Results"] == [{"Count": 0}]
    assert answer.json()["Schema"] == [{"Name": "Count", "Type": "Int64"}]
    assert run("EmailEvents | count", token).status_code == 400
    assert run("DeviceInfo | count", client.token("defender")).status_code == 401
    assert client.emulator.calls[0].api == "endpoint"
