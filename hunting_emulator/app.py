"""The routes of login, Graph, Defender and the control endpoint, as one WSGI application."""

import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as WireRequest
from werkzeug.wrappers import Response

from hunting_emulator.client_credentials import LoginRefusedError
from hunting_emulator.control import control
from hunting_emulator.effects import Effect
from hunting_emulator.graph_paths import hunting_resource
from hunting_emulator.hunting import hunt, lost, usual_headers
from hunting_emulator.login import with_basic
from hunting_emulator.questions import Request
from hunting_emulator.refusals import HTML, Ids, Refusal, not_found, too_long, wrong_method
from hunting_emulator.replies import Reply, broken, refused
from hunting_emulator.responses import graph_context
from hunting_emulator.service import Service
from hunting_emulator.settings import ApiName
from hunting_emulator.signin import SignIn

_JSON: Final = "application/json; charset=utf-8"
_ROUTES: Final = Map(
    [
        Rule("/api/advancedhunting/run", endpoint="defender", methods=["POST"]),
        Rule("/api/advancedqueries/run", endpoint="endpoint", methods=["POST"]),
        Rule("/<tenant>/v2.0/.well-known/openid-configuration", endpoint="discovery"),
        Rule("/<tenant>/.well-known/openid-configuration", endpoint="discovery"),
        Rule("/<tenant>/discovery/v2.0/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/discovery/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/oauth2/v2.0/token", endpoint="token", methods=["POST"]),
        Rule("/<tenant>/oauth2/token", endpoint="token_of_v1", methods=["POST"]),
        Rule("/<tenant>/oauth2/v2.0/devicecode", endpoint="devicecode", methods=["POST"]),
        Rule("/devicelogin", endpoint="devicelogin", methods=["GET"]),
        Rule("/msi/token", endpoint="managed", methods=["GET"]),
        Rule("/_emulator/<what>", endpoint="control", methods=["GET", "POST"]),
    ],
    strict_slashes=False,
)
# Stands in for the sign-in page: whoever sends the code there has signed in.
_FORM: Final = "<form>Enter the code: <input name=code autofocus><button>Next</button></form>"
_DONE: Final = "<p>You have signed in. You may now close this window.</p>"
_GRAPH: Final = re.compile(r"/(?:v\d[^/]*|beta)(?:/.*)?", re.IGNORECASE | re.DOTALL)


class App:
    """The WSGI application over a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sign_in = SignIn(service)
        self._endpoints: Mapping[str, Callable[..., Response]] = {
            "defender": partial(self._hunt, api="defender"),
            "endpoint": partial(self._hunt, api="endpoint"),
            "discovery": self._discovery,
            "keys": self._keys,
            "token": self._token,
            "token_of_v1": self._token_of_v1,
            "devicecode": self._device_code,
            "devicelogin": self._device_login,
            "managed": self._managed,
            "control": self._control,
        }

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        request = WireRequest(environ)
        return self._response(request)(environ, start_response)

    def _response(self, request: WireRequest) -> Response:
        if (
            len(str(request.environ.get("REQUEST_URI", "")))
            > self._service.settings.limits.url_bytes
        ):
            return self._refused(request, too_long())
        if _GRAPH.fullmatch(request.path):
            return self._graph(request)
        try:
            endpoint, arguments = _ROUTES.bind_to_environ(request.environ).match()
        except MethodNotAllowed as error:
            return self._lost(request, wrong_method(", ".join(error.valid_methods or ())))
        except HTTPException:
            return self._lost(request, not_found(request.path))
        return self._endpoints[endpoint](request, **arguments)

    def _lost(self, request: WireRequest, refusal: Refusal) -> Response:
        """Refuse a path or a method; a caller without a good token is refused for that first."""
        api = _api_of(request)
        if api is None:
            return self._refused(request, refusal)
        return self._sent(request, lost(self._service, _asked(request, api), refusal))

    def _refused(self, request: WireRequest, refusal: Refusal) -> Response:
        api = _api_of(request) or "graph"
        ids = Ids.make(self._service.clock.now(), request.headers.get("client-request-id"))
        reply = refused(api, refusal, ids)
        reply.headers.update(usual_headers(api, ids))
        return self._sent(request, reply)

    def _graph(self, request: WireRequest) -> Response:
        try:
            resource = hunting_resource(request.path, request.args.to_dict())
        except Refusal as refusal:
            return self._lost(request, refusal)
        if request.method != resource.method:
            return self._lost(request, wrong_method(resource.method))
        context = graph_context(_origin(request), resource.version)
        asked = _asked(request, "graph", context)
        if resource.method == "GET":
            headers = {**asked.headers, "content-type": _JSON}
            asked = replace(
                asked, headers=headers, body=msgspec.json.encode(dict(resource.parameters))
            )
        return self._sent(request, hunt(self._service, asked))

    def _hunt(self, request: WireRequest, api: ApiName) -> Response:
        return self._sent(request, hunt(self._service, _asked(request, api)))

    def _sent(self, request: WireRequest, reply: Reply) -> Response:
        pieces = self._paced(request, broken(reply), reply.effect)
        return Response(pieces, reply.status, reply.headers)

    def _paced(
        self, request: WireRequest, pieces: Iterable[bytes], effect: Effect
    ) -> Iterator[bytes]:
        if effect.reset and effect.share == 0:
            _reset(request)
        for piece in pieces:
            if effect.bare:
                _send_bare(request, piece)
            else:
                yield piece
            self._service.clock.sleep(effect.pause)
        if effect.reset or effect.bare:
            _reset(request)

    def _discovery(self, request: WireRequest, tenant: str) -> Response:
        return self._login(request, lambda: self._sign_in.discovery(_origin(request), tenant))

    def _keys(self, request: WireRequest, tenant: str) -> Response:
        return self._login(request, lambda: self._sign_in.keys(_origin(request), tenant))

    def _token(self, request: WireRequest, tenant: str) -> Response:
        form, origin = _form(request), _origin(request)
        return self._login(request, lambda: self._sign_in.token(origin, tenant, form))

    def _token_of_v1(self, request: WireRequest, tenant: str) -> Response:
        form, origin = _form(request), _origin(request)
        return self._login(request, lambda: self._sign_in.token_of_v1(origin, tenant, form))

    def _device_code(self, request: WireRequest, tenant: str) -> Response:
        form, origin = _form(request), _origin(request)
        return self._login(request, lambda: self._sign_in.device_code(origin, tenant, form))

    def _device_login(self, request: WireRequest) -> Response:
        code = request.args.get("code", "").strip().upper()
        done = bool(code) and self._service.devices.decide(code, approve=True)
        return Response(_DONE if done else _FORM, headers={"Content-Type": HTML})

    def _managed(self, request: WireRequest) -> Response:
        header = request.headers.get("X-IDENTITY-HEADER", "")
        query = request.args.to_dict()
        return self._login(request, lambda: self._sign_in.managed(query, header))

    def _login(self, request: WireRequest, make: Callable[[], dict[str, Any]]) -> Response:
        try:
            answer = _json(200, make())
            answer.headers["x-ms-request-id"] = str(uuid4())
        except LoginRefusedError as error:
            body = error.body(_origin(request), now=self._service.clock.now())
            answer = _json(error.status, body)
            answer.headers["x-ms-request-id"] = body["trace_id"]
        return answer

    def _control(self, request: WireRequest, what: str) -> Response:
        status, body = control(self._service, request.method, what, request.get_data())
        return _json(status, body)


def _origin(request: WireRequest) -> str:
    return request.host_url.rstrip("/")


def _api_of(request: WireRequest) -> ApiName | None:
    """Return the API that a path belongs to; those of login and control belong to none."""
    if _GRAPH.fullmatch(request.path):
        return "graph"
    if request.path.startswith("/api/advancedqueries"):
        return "endpoint"
    return "defender" if request.path.startswith("/api/") else None


def _asked(request: WireRequest, api: ApiName, context: str = "") -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(api, context, headers, request.get_data())


def _form(request: WireRequest) -> Mapping[str, str]:
    """Return the fields of a form; a client need not name the content type."""
    if request.content_type:
        form = request.form.to_dict()
    else:
        form = dict(parse_qsl(request.get_data().decode("utf-8", "replace")))
    return with_basic(form, request.headers.get("Authorization", ""))


def _json(status: int, body: object) -> Response:
    headers = {"Content-Type": _JSON, "Cache-Control": "no-store, no-cache"}
    return Response(msgspec.json.encode(body), status, headers)


def _send_bare(request: WireRequest, piece: bytes) -> None:
    """Send bytes alone, where the status line should be."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.sendall(piece)


def _reset(request: WireRequest) -> None:
    """Let the connection end with a TCP reset, as a failing gateway does."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError
