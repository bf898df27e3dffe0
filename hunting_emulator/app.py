"""The routes of login, Graph, Defender and the control endpoint, as one WSGI application."""

import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as WireRequest
from werkzeug.wrappers import Response

from hunting_emulator.control import control
from hunting_emulator.effects import Effect
from hunting_emulator.hunting import hunt
from hunting_emulator.login import with_basic
from hunting_emulator.proofs import LoginRefusedError
from hunting_emulator.questions import Request
from hunting_emulator.refusals import HTML, Ids, Refusal, not_found, wrong_method
from hunting_emulator.replies import Reply, broken, refused
from hunting_emulator.responses import graph_context
from hunting_emulator.service import Service
from hunting_emulator.settings import ApiName
from hunting_emulator.signin import SignIn

_JSON: Final = "application/json; charset=utf-8"
_ROUTES: Final = Map(
    [
        Rule("/<version>/security/runHuntingQuery", endpoint="graph", methods=["POST"]),
        Rule("/api/advancedhunting/run", endpoint="defender", methods=["POST"]),
        Rule("/<tenant>/v2.0/.well-known/openid-configuration", endpoint="discovery"),
        Rule("/<tenant>/.well-known/openid-configuration", endpoint="discovery"),
        Rule("/<tenant>/discovery/v2.0/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/discovery/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/oauth2/v2.0/token", endpoint="token", methods=["POST"]),
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
_VERSIONS: Final = ("v1.0", "beta")


class App:
    """The WSGI application over a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sign_in = SignIn(service)
        self._endpoints: Mapping[str, Callable[..., Response]] = {
            "graph": self._graph,
            "defender": self._defender,
            "discovery": self._discovery,
            "keys": self._keys,
            "token": self._token,
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
        try:
            endpoint, arguments = _ROUTES.bind_to_environ(request.environ).match()
        except MethodNotAllowed as error:
            return self._lost(request, wrong_method(", ".join(error.valid_methods or ())))
        except HTTPException:
            return self._lost(request, not_found(request.path))
        return self._endpoints[endpoint](request, **arguments)

    def _lost(self, request: WireRequest, refusal: Refusal) -> Response:
        api: ApiName = "defender" if request.path.startswith("/api/") else "graph"
        ids = Ids.make(self._service.clock.now(), request.headers.get("client-request-id"))
        return self._sent(request, refused(api, refusal, ids))

    def _graph(self, request: WireRequest, version: str) -> Response:
        if version not in _VERSIONS:
            return self._lost(request, not_found(request.path))
        context = graph_context(request.host_url.rstrip("/"), version)
        return self._hunt(request, "graph", context)

    def _defender(self, request: WireRequest) -> Response:
        return self._hunt(request, "defender", "")

    def _hunt(self, request: WireRequest, api: ApiName, context: str) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(api, context, headers, request.get_data())
        return self._sent(request, hunt(self._service, asked))

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
        form = with_basic(request.form.to_dict(), request.headers.get("Authorization", ""))
        return self._login(request, lambda: self._sign_in.token(_origin(request), tenant, form))

    def _device_code(self, request: WireRequest, tenant: str) -> Response:
        form, origin = request.form.to_dict(), _origin(request)
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
            return _json(200, make())
        except LoginRefusedError as error:
            body = error.body(_origin(request), now=self._service.clock.now())
            return _json(error.status, body)

    def _control(self, request: WireRequest, what: str) -> Response:
        status, body = control(self._service, request.method, what, request.get_data())
        return _json(status, body)


def _origin(request: WireRequest) -> str:
    return request.host_url.rstrip("/")


def _json(status: int, body: object) -> Response:
    headers = {"Content-Type": _JSON, "Cache-Control": "no-store, no-cache"}
    return Response(msgspec.json.encode(body), status, headers)


def _send_bare(request: WireRequest, piece: bytes) -> None:
    """Send bytes as they are, where the status line should be."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.sendall(piece)


def _reset(request: WireRequest) -> None:
    """Let the connection end with a TCP reset, as a failing gateway does."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError
