"""What surrounds a run: one host that is login and API, and one that is the machine's identity.

Each secret has a value that stands nowhere else, so that it can be searched for in all outputs.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from tests.security.hosts import Answer, Asked, Authority, Bytes, Host, hosted, reply
from tests.security.processes import COMMANDS, TAP, Processes, Ran

TENANT: Final = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
CLIENT: Final = "00001111-aaaa-2222-bbbb-3333cccc4444"
SECRET: Final = "S3cr3t~of-the-APPLICATION"
TOKEN: Final = "T0kenHead.eyJ0b2tlbiI6InNlY3JldCJ9.T0kenTail"
REFRESH: Final = "R3freshToken-of-a-person"
HEADER: Final = "H3aderOfTheIdentity"
PROXY_PASSWORD: Final = "Pr0xyPassword"
VALUE: Final = "R0wValue-nobody-may-log"
LOST: Final = "L0stS3cretValue"
DEVICE: Final = "D3viceCodeOfTheTap"
FEDERATED: Final = "FEDTOK0"
#: What may stand in no output at all, whatever happens.
SECRETS: Final = (SECRET, TOKEN, REFRESH, HEADER, PROXY_PASSWORD)
COLUMNS: Final = [
    {"name": "Timestamp", "type": "DateTime"},
    {"name": "AlertId", "type": "String"},
]
CLIENT_INFO: Final = base64.urlsafe_b64encode(b'{"uid":"u","utid":"t"}').decode().rstrip("=")


def token_answer(token: object = TOKEN, **members: object) -> dict[str, object]:
    """Return what Entra ID answers."""
    return {"token_type": "Bearer", "expires_in": 3600, "access_token": token, **members}


def rows_answer(query: str) -> dict[str, object]:
    """Return no rows: the columns alone, or a count of none, which is a row without bins."""
    if "__rows" not in query:
        return {"schema": COLUMNS, "results": []}
    names = [name for name in ("__rows", "__keys", "__nulls", "__checksum") if name in query]
    columns = [{"name": name, "type": "Int64"} for name in names]
    return {"schema": columns, "results": [] if "__bin" in query else [dict.fromkeys(names, 0)]}


@dataclass
class World:
    """The hosts, the settings, the variables; and what runs there."""

    processes: Processes
    folder: Path
    host: Host
    machine: Host
    authority: Authority
    environment: dict[str, str] = field(default_factory=dict)
    #: Answers of the login and of the API.
    login: Answer = lambda _: reply(token_answer())
    api: Callable[[str], Bytes] = lambda query: reply(rows_answer(query))

    @classmethod
    @contextmanager
    def made(cls, processes: Processes, authority: Authority, folder: Path) -> Iterator[Self]:
        """Run the hosts."""
        with hosted(lambda _: (), authority) as host, hosted(lambda _: (), None) as machine:
            world = cls(processes, folder, host, machine, authority)
            host.answer = world._answer
            world.environment["REQUESTS_CA_BUNDLE"] = str(authority.file)
            yield world

    def _answer(self, asked: Asked) -> Bytes:
        if asked.signs_in:
            return self.login(asked)
        return self.api(str(json.loads(asked.body).get("Query", "")))

    def config(self, **settings: Any) -> Path:  # noqa: ANN401 - JSON
        """Write settings; `None` takes one away."""
        known = {
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "api_url": self.host.url,
            "authority_url": self.host.url,
            "max_wait_minutes": 1,
            "queries": [{"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}],
            **settings,
        }
        given = {key: value for key, value in known.items() if value is not None}
        path = self.folder / "config.json"
        path.write_text(json.dumps(given), "utf-8")
        path.chmod(0o600)
        return path

    def tap(
        self,
        *options: str,
        level: str = "debug",
        seconds: float = 60.0,
        **settings: Any,  # noqa: ANN401 - JSON
    ) -> Ran:
        """Run the tap."""
        command = [TAP, "--config", str(self.config(**settings)), *options]
        return self.processes.run(command, self.environment, level=level, seconds=seconds)

    def check(
        self,
        *options: str,
        level: str = "debug",
        seconds: float = 60.0,
        **settings: Any,  # noqa: ANN401 - JSON
    ) -> Ran:
        """Run `m365hunting check`."""
        command = [COMMANDS, "check", "--config", str(self.config(**settings)), *options]
        return self.processes.run(command, self.environment, level=level, seconds=seconds)

    def everything(self, **settings: Any) -> Mapping[str, Ran]:  # noqa: ANN401 - JSON
        """Run all commands at all levels."""
        plan = [COMMANDS, "plan", "--config", str(self.config(**settings))]
        run = self.processes.run
        return {
            "tap, info": self.tap(level="info", **settings),
            "tap, debug": self.tap(**settings),
            "discovery, debug": self.tap("--discover", **settings),
            "check, info": self.check(level="info", **settings),
            "check, debug": self.check("--format", "json", **settings),
            "plan, debug": run(plan, self.environment, level="debug"),
        }
