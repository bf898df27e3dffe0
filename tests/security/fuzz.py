"""Runs the commands against answers that are broken at random: `python -m tests.security.fuzz`.

Every answer of every endpoint is changed: of the login, of the identity endpoints of five kinds of
machines, of the API. Held against each run: its end and its time, its memory, no traceback, no
secret in any output, and no value of a row in the log. A failure prints its number; with `--only`
it is run again.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.security.hosts import Asked, Authority, Bytes, cut, reply
from tests.security.processes import Processes, Ran
from tests.security.test_identities import KINDS
from tests.security.world import (
    CLIENT_INFO,
    DEVICE,
    HEADER,
    REFRESH,
    SECRET,
    SECRETS,
    TOKEN,
    VALUE,
    World,
    rows_answer,
    token_answer,
)

BOUND_SECONDS: Final = 60.0
MOST_MIB: Final = 300.0
ODD: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1e400, 10**30, "", " ", "\x00", "\x1b[31m\n\u202e", "é€", [], {}, [[]],
    "9" * 5_000, {"a": [None]}, "2026-11-29T12:00:00Z", "9999-12-31T23:59:59.9999999Z", "NaN",
)  # fmt: skip
HEADERS: Final = (
    ("Retry-After", ("0", "-1", "99999", "soon", "Sun, 29 Nov 9999999 14:28:00 GMT")),
    ("Date", ("", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Sun, 29 Nov 2026 14:28:00 -0000")),
    ("Location", ("https://localhost:9/", "//x", "https://[::1", "\x1b[31m")),
    ("WWW-Authenticate", ("Basic realm=/x/y.key", "Basic realm=", "Bearer", "a=b=c")),
    ("Content-Encoding", ("gzip", "deflate", "br", "x")),
    ("Transfer-Encoding", ("chunked", "x")),
    ("Content-Type", ("text/html; charset=utf-16", "", "x")),
    ("Set-Cookie", ("a=b; Domain=localhost", "x")),
)
STATUSES: Final = (200,) * 12 + (201, 204, 206, 301, 307, 400, 401, 403, 404, 418, 429, 500, 503)


class Chance:
    """Changes answers, each run by its own dice."""

    def __init__(self, number: int) -> None:
        self.dice = random.Random(number)

    def answer(self, body: object) -> Bytes:
        """Return an answer that is whole more often than not."""
        if self.dice.random() < 0.4:
            return reply(body)
        if self.dice.random() < 0.02:
            return self._endless()
        return self._broken(body)

    def _broken(self, body: object) -> Bytes:
        for _ in range(self.dice.randint(0, 2)):
            body = self._odd_part(body)
        content = json.dumps(body).encode()
        if self.dice.random() < 0.3:
            content = self._odd_bytes(content)
        headers = dict(self._headers())
        if headers.get("Content-Encoding") == "gzip" and self.dice.random() < 0.7:
            content = gzip.compress(content * self.dice.choice((1, 1, 2_000)))
        status = self.dice.choice(STATUSES)
        if self.dice.random() < 0.15:
            return cut(content[: self.dice.randrange(len(content) + 1)], status)
        return reply(content, status, headers)

    def _headers(self) -> Iterator[tuple[str, str]]:
        while self.dice.random() < 0.2:
            name, values = self.dice.choice(HEADERS)
            yield name, self.dice.choice(values)

    def _odd_part(self, body: object) -> object:
        """Exchange one part of a JSON, or its name, or put it twice as deep."""
        if isinstance(body, dict) and body and self.dice.random() < 0.9:
            key = self.dice.choice(list(body))
            changed = {**body, key: self._odd_part(body[key])}
            if self.dice.random() < 0.2:
                changed[self.dice.choice((key.upper(), "error", "x"))] = changed.pop(key)
            return changed
        if isinstance(body, list) and body and self.dice.random() < 0.8:
            place = self.dice.randrange(len(body))
            return [*body[:place], self._odd_part(body[place]), *body[place + 1 :]]
        return self.dice.choice((*ODD, [body], {"a": body}, str(body), [body] * 3))

    def _odd_bytes(self, content: bytes) -> bytes:
        place = self.dice.randrange(len(content) + 1)
        kind = self.dice.randrange(6)
        some = bytes(self.dice.randrange(256) for _ in range(self.dice.randrange(1, 8)))
        return (
            content[:place] + some + content[place:],
            content[:place] + content[place + len(some) :],
            b"\xef\xbb\xbf" + content,
            content.decode("utf-8", "replace").encode("utf-16"),
            b"[" * 50_000 + content,
            b"<html>" + content,
        )[kind]

    def _endless(self) -> Bytes:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        piece, pause = self.dice.choice(((b" " * 65_536, 0.0), (b" ", 0.2)))
        for _ in range(4_000):
            time.sleep(pause)
            yield piece


def identity_answer() -> dict[str, object]:
    """Return what every kind of machine answers, in the spellings of all of them."""
    return {**token_answer(), "expires_in": "3600", "expires_on": "9999999999"}


def api_answer(query: str) -> dict[str, object]:
    """Return rows, columns, or a count."""
    answer = rows_answer(query)
    if "__rows" in query:
        return {**answer, "results": [{"__rows": 1, "__bin": "2026-11-29T12:00:00Z"}]}
    if "take 0" in query:
        return answer
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7_200))
    return {
        **answer,
        "results": [{"Timestamp": moment, "AlertId": f"{VALUE}{n}"} for n in range(3)],
    }


def login_answer(asked: Asked) -> dict[str, object]:
    """Return a device's code, or a token."""
    if "devicecode" in asked.path:
        return {
            "user_code": "ABCD", "device_code": DEVICE, "expires_in": 60, "interval": 1,
            "verification_uri": "https://microsoft.com/devicelogin", "message": "Sign in",
        }  # fmt: skip
    if "fabric" in asked.path:
        return identity_answer()
    return token_answer(refresh_token=REFRESH, client_info=CLIENT_INFO)


def settings_of(chance: Chance, world: World) -> dict[str, Any]:
    """Choose a way to sign in, and the other settings."""
    dice = chance.dice
    settings: dict[str, Any] = {
        "request_timeout_seconds": 1,
        "max_wait_minutes": dice.choice((0, 1)),
        "column_names": dice.choice(("safe", "as_is")),
        "schema_drift": dice.choice(("evolve", "freeze", "fail")),
        "dynamic_as": dice.choice(("string", "json")),
        "start_date": time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 14_400)),
        "queries": [{"name": n, "query": f"AlertInfo | where A == '{n}'"} for n in ("a", "b")],
    }
    way = dice.choice(["secret", "secret", "device", *KINDS])
    if way == "device":
        return {**settings, "client_secret": None, "auth_method": "device_code"}
    if callable(way):
        world.environment |= way(world)
        none = {"client_secret": None, "client_id": None}
        return {**settings, **none, "managed_identity": "system"}
    return settings


def run(number: int, world: World) -> tuple[str, Ran]:
    """Run one command, and return what is wrong with it, or nothing."""
    chance = Chance(number)
    trusted = world.environment["REQUESTS_CA_BUNDLE"]
    world.environment.clear()
    world.environment["REQUESTS_CA_BUNDLE"] = trusted
    world.login = lambda asked: chance.answer(login_answer(asked))
    world.api = lambda query: chance.answer(api_answer(query))
    world.machine.answer = lambda _: chance.answer(identity_answer())
    settings = settings_of(chance, world)
    level = chance.dice.choice(("info", "debug"))
    commands: list[Callable[[], Ran]] = [
        lambda: world.tap(level=level, seconds=BOUND_SECONDS, **settings),
        lambda: world.tap(level=level, seconds=BOUND_SECONDS, **settings),
        lambda: world.tap("--discover", level=level, seconds=BOUND_SECONDS, **settings),
        lambda: world.check(level=level, seconds=BOUND_SECONDS, **settings),
    ]
    ran = chance.dice.choice(commands)()
    return ", ".join(wrong(ran, level)), ran


def wrong(ran: Ran, level: str) -> Iterator[str]:
    """Yield what is wrong with a run."""
    if ran.status not in {0, 1}:
        yield f"status {ran.status} after {ran.seconds:.0f} s"
    if ran.peak_mib > MOST_MIB:
        yield f"{ran.peak_mib:.0f} MiB"
    if b"A fault in the tap" in ran.errors or (level == "info" and b"Traceback" in ran.errors):
        yield "traceback"
    if found := ran.holds(*SECRETS, SECRET, HEADER, TOKEN, DEVICE):
        yield f"secret {found}"
    if VALUE.encode() in ran.errors:
        yield "value of a row"


def main() -> None:
    """Run for so many minutes, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="the first number")
    parser.add_argument("--only", type=int, help="run this number alone, and show its log")
    given = parser.parse_args()
    ends, worst, slowest = Counter[str](), 0.0, 0.0
    folder = Path(tempfile.mkdtemp())
    with (
        Processes(folder) as processes,
        World.made(processes, Authority(folder), folder) as world,
    ):
        until, number = time.monotonic() + 60 * given.minutes, given.only or given.seed
        while time.monotonic() < until:
            problem, ran = run(number, world)
            ends["wrong" if problem else f"status {ran.status}"] += 1
            worst, slowest = max(worst, ran.peak_mib), max(slowest, ran.seconds)
            if problem or given.only is not None:
                sys.stdout.write(f"{number}: {problem or 'nothing wrong'}; {ran.last[-300:]}\n")
                sys.stdout.flush()
            if given.only is not None:
                sys.stdout.write(ran.errors.decode("utf-8", "backslashreplace"))
                break
            number += 1
    sys.stdout.write(f"{dict(ends)}; at most {worst:.0f} MiB and {slowest:.1f} s a run\n")
    sys.exit(1 if ends["wrong"] else 0)


if __name__ == "__main__":
    main()
