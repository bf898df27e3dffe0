"""Trials of the first hour: each a mistake of an operator, or a place, with the right outcome.

Prints a line for each, and ends with status 1 if one is wrong:

    python -m tests.operator.first_hour --commands .venv/bin [--only NAME]
"""

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hunting_emulator import Emulator
from tests.operator.bench import ALERTS, PROXIES, Bench
from tests.operator.dead_services import dead_services
from tests.tap.identities import PASSWORD, owner

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What was seen, in a few words, and whether it is right."""

    right: bool
    seen: str


TRIALS: Final = dict[str, Callable[[Bench], Outcome]]()


def trial(name: str) -> Callable[[Callable[[Bench], Outcome]], Callable[[Bench], Outcome]]:
    """Enter a trial under a name."""

    def enter(run: Callable[[Bench], Outcome]) -> Callable[[Bench], Outcome]:
        TRIALS[name] = run
        return run

    return enter


def said(found: list[str]) -> str:
    """Return the last of some lines, as a person would quote it."""
    return " ".join(found[-1].split())[:160] if found else "nothing"


# --- a service that is not there ----------------------------------------------------------------


def _dead(kind: str, command: str) -> Callable[[Bench], Outcome]:
    def run(bench: Bench) -> Outcome:
        queries = [{**ALERTS, "name": f"alerts_{n}"} for n in range(12)]
        with dead_services(bench.folder) as services:
            dead = services[kind]
            there = {"api_url": dead.url, "authority_url": dead.url}
            options = bench.config(*queries, **there)
            ask = bench.tap if command == "run" else bench.people
            words = options if command == "run" else [command, *options]
            ran = ask(*words, **dead.environment)
        times = len([line for line in ran.lines("No sign-in at") if "Waiting" not in line])
        right = ran.status == 1 and times == 1 and dead.words in ran.errors
        return Outcome(right, f"{ran.seconds:.1f} s, status {ran.status}, {times} messages")

    return run


for _kind in ("refused", "dns", "tls", "socks", "html"):
    for _command in ("check", "plan", "run"):
        TRIALS[f"dead: {_kind}, {_command}"] = _dead(_kind, _command)


# --- Meltano ------------------------------------------------------------------------------------


@trial("broken query, discovered")
def _broken(bench: Bench) -> Outcome:
    options = bench.config(ALERTS, {"name": "broken", "query": "AlertInfo | where Nope == 1"})
    catalog = bench.catalog(options)
    ran = bench.tap(*options, "--catalog", catalog)
    last = " ".join(ran.lines("ERROR")[-1:])
    return Outcome("Nope" in last and "broken" in last, last[-160:])


@trial("meltano.yml")
def _meltano_file(bench: Bench) -> Outcome:
    project = yaml.safe_load((bench.checkout / "meltano.yml").read_text("utf-8"))
    (tap,) = project["plugins"]["extractors"]
    has = {*tap["capabilities"], *project}
    wanted = {"structured-logging", "activate-version", "project_id"}
    return Outcome(wanted <= has, f"lacks {', '.join(sorted(wanted - has)) or 'nothing'}")


@trial("meltano state get, plan --state")
def _printed_state(bench: Bench) -> Outcome:
    bench.load()
    options = bench.config()
    (*_, state) = [m["value"] for m in bench.tap(*options).messages if m["type"] == "STATE"]
    file = bench.file("state.json", {"completed": {}, "singer_state": state})
    ran = bench.people("plan", *options, "--state", file)
    return Outcome(ran.status == 0, said(ran.lines("The run", "Error", "tate")))


@trial("steady run, calls")
def _steady(bench: Bench) -> Outcome:
    bench.load()
    others = [{**ALERTS, "name": name} for name in ("one", "two")]
    options = bench.config(ALERTS, *others)
    catalog = bench.catalog(options)
    (*_, state) = [
        m["value"]
        for m in bench.tap(*options, "--catalog", catalog).messages
        if m["type"] == "STATE"
    ]
    before = len(bench.emulator.calls)
    bench.tap(*options, "--catalog", catalog, "--state", bench.file("state.json", state))
    calls = len(bench.emulator.calls) - before
    return Outcome(calls == 3, f"{calls} calls for 3 streams")


# --- queries ------------------------------------------------------------------------------------


@trial("forgotten Timestamp, check")
def _forgotten(bench: Bench) -> Outcome:
    options = bench.config({"name": "a", "query": "AlertInfo | project AlertId, Title"})
    ran = bench.people("check", "--offline", *options)
    return Outcome("leaves out Timestamp" in ran.all, said(ran.lines("warning", "ok ", "error")))


@trial("forgotten Timestamp, run")
def _forgotten_run(bench: Bench) -> Outcome:
    bench.load()
    ran = bench.tap(*bench.config({"name": "alerts", "query": "AlertInfo | project AlertId"}))
    right = ran.status == 0 and "leaves out Timestamp" in ran.errors
    return Outcome(right, said(ran.lines("leaves out")))


def _incremental(text: str, words: str) -> Callable[[Bench], Outcome]:
    def run(bench: Bench) -> Outcome:
        query = {"name": "a", "query": text, "replication_method": "INCREMENTAL"}
        ran = bench.people("check", "--offline", *bench.config(query))
        return Outcome(words in ran.all, said(ran.lines("error:")))

    return run


TRIALS["row limit, INCREMENTAL"] = _incremental(
    "AlertInfo\n| top 5 by Title\n| project Title", "2:3 error: 'top' ranks"
)
TRIALS["aggregate, INCREMENTAL"] = _incremental(
    "AlertInfo\n| summarize count() by Title", "2:3 error: 'summarize' computes"
)

_NO_KQL: Final = {
    "/* */": ("/* all */ AlertInfo", "KQL has no /* */ comments"),
    "--": ("-- all\nAlertInfo", "KQL has no -- comments"),
    "WHERE": ("AlertInfo | WHERE Title != ''", "lower case in KQL: where"),
    "literal \\n": ("AlertInfo\\n| where Title != ''", "holds \\n as two characters"),
    "&gt;": ("AlertInfo | where strlen(Title) &gt; 1", "&gt; is an HTML entity"),
    "smart quotes": ("AlertInfo | where Title == \u201cx\u201d", "typographer's quote"),
    "two queries": (
        "AlertInfo | where true\n\nAlertEvidence | where true",
        "A second query starts",
    ),
    "folded by YAML": ("// all AlertInfo | where Title != ''", "joined into one, as YAML"),
}


def _no_kql(text: str, words: str) -> Callable[[Bench], Outcome]:
    def run(bench: Bench) -> Outcome:
        ran = bench.people("check", "--offline", *bench.config({"name": "a", "query": text}))
        return Outcome(words in ran.all, said(ran.lines("error: ")))

    return run


for _name, (_text, _words) in _NO_KQL.items():
    TRIALS[f"no KQL: {_name}"] = _no_kql(_text, _words)


@trial("columns of stores and loaders")
def _taken_names(bench: Bench) -> Outcome:
    text = "AlertInfo | project Timestamp, ctid = AlertId, xmin = Title, _sdc_batched_at = Title"
    ran = bench.tap(*bench.config({"name": "alerts", "query": text}))
    names = {name for m in ran.of("SCHEMA") for name in m["schema"]["properties"]}
    taken = {"ctid", "xmin", "_sdc_batched_at"} & names
    return Outcome(bool(names) and not taken, f"columns {', '.join(sorted(names))}")


@trial("query_file beside the settings")
def _query_file(bench: Bench) -> Outcome:
    bench.file("settings/alerts.kql", "AlertInfo")
    settings = bench.settings({"name": "a", "query_file": "alerts.kql"})
    file = bench.file("settings/config.json", settings)
    ran = bench.people("check", "--offline", "--config", file)
    return Outcome(ran.status == 0, said(ran.lines("error", "rror:", "1 ok")))


@trial("key that is not unique")
def _key(bench: Bench) -> Outcome:
    days = [{"Timestamp": bench.ago(days=n + 2), "AlertId": f"{n}", "Title": "t"} for n in range(5)]
    bench.emulator.engine.load("AlertInfo", days)
    ran = bench.people("check", *bench.config({**ALERTS, "primary_keys": ["Title"]}))
    counted = re.search(r"5 rows have 1 keys?\b", ran.all)
    return Outcome(counted is not None, said(ran.lines("rows have", "key: ")[:1]))


# --- Sigma --------------------------------------------------------------------------------------

_RULE: Final = """\
title: Made up
logsource: {{product: windows, category: {category}}}
detection:
  selection:
    {field}: {value}
  condition: selection
"""


@trial("Sigma: a hash that no column has")
def _imphash(bench: Bench) -> Outcome:
    bench.load()
    hashes = "'IMPHASH=00112233445566778899AABBCCDDEEFF'"
    rule = _RULE.format(category="process_creation", field="Hashes|contains", value=hashes)
    file = bench.file("rule.yml", rule)
    ran = bench.tap(*bench.config(ALERTS, {"name": "tool", "sigma_rule": file}))
    right = len(ran.of("RECORD")) == 3 and "rule.yml" in ran.errors
    return Outcome(right and "Traceback" not in ran.errors, said(ran.lines("rror", "ERROR")))


@trial("Sigma: a list of numbers")
def _numbers(bench: Bench) -> Outcome:
    rule = _RULE.format(category="network_connection", field="DestinationPort", value="[80, 443]")
    file = bench.file("rule.yml", rule)
    ran = bench.people("check", *bench.config({"name": "r", "sigma_rule": file}))
    return Outcome(ran.status == 0, said(ran.lines("rror", "row")))


# --- sign-in ------------------------------------------------------------------------------------


@trial("secret with a line end")
def _secret(bench: Bench) -> Outcome:
    secret = f"{bench.emulator.client_secret}\n"
    ran = bench.tap(*bench.config(client_secret=secret))
    return Outcome("client_secret: starts or ends with" in ran.errors, said(ran.lines("ERROR")))


@trial("client id with a space")
def _client_id(bench: Bench) -> Outcome:
    ran = bench.tap(*bench.config(client_id=f"{bench.emulator.client_id} "))
    named = "client_id: starts or ends with" in ran.errors
    return Outcome(named, said(ran.lines("client_id", "AADSTS")))


@trial("base64 of a PFX")
def _pfx(bench: Bench) -> Outcome:
    file = bench.file("app.pfx", b64encode(owner().pfx()))
    ways = {"certificate_path": file, "certificate_password": PASSWORD}
    ran = bench.tap(*bench.config(client_secret=None, **ways))
    read = "does not open" not in ran.errors and "AADSTS" in ran.errors
    return Outcome(read, said(ran.lines("ERROR")))


@trial("tenant id in capitals")
def _capitals(bench: Bench) -> Outcome:
    bench.load()
    written = (bench.emulator.tenant_id, bench.emulator.tenant_id.upper())
    ids = [
        {m["record"]["_row_id"] for m in bench.tap(*bench.config(tenant_id=name)).of("RECORD")}
        for name in written
    ]
    return Outcome(len(ids[0] & ids[1]) == 3, f"{len(ids[0] & ids[1])} of 3 ids the same")


# --- runs ---------------------------------------------------------------------------------------


@trial("first run from before retention")
def _before_retention(bench: Bench) -> Outcome:
    ran = bench.tap(*bench.config(start_date=bench.ago(days=60)))
    lines = ran.lines("30 days", "lost", "retention")
    return Outcome(ran.status == 0 and "run more often" not in ran.errors, said(lines[:1]))


@trial("metrics of hunting_windows")
def _metrics(bench: Bench) -> Outcome:
    bench.load()
    options = bench.config()
    catalog = bench.catalog(options, selected=("alerts", "hunting_windows"))
    ran = bench.tap(*options, "--catalog", catalog)
    points = _points(ran.lines("record_count"))
    total = sum(p["value"] for p in points if p["tags"].get("stream") == "hunting_windows")
    written = len(ran.of("RECORD", "hunting_windows"))
    return Outcome(total == written > 0, f"{total} counted of {written}")


def _points(lines: list[str]) -> list[dict[str, Any]]:
    found = (line[line.index("{") :] for line in lines if "METRIC" in line and "{" in line)
    return [json.loads(text) for text in found]


@trial("metrics of all tenants together")
def _total(bench: Bench) -> Outcome:
    bench.load()
    tenants = [{"tenant_id": bench.emulator.tenant_id}]
    ran = bench.tap(*bench.config(tenant_id=None, tenants=tenants))
    timers = [p for p in _points(ran.lines("METRIC")) if p["type"] == "timer"]
    tagged = [p for p in timers if p["tags"].get("context")]
    return Outcome(bool(timers) and not tagged, f"{len(tagged)} of {len(timers)} with a tenant")


@trial("waits at the same time")
def _waits(bench: Bench) -> Outcome:
    bench.load()
    options = bench.config(ALERTS, {**ALERTS, "name": "others"})
    catalog = bench.catalog(options)
    bench.emulator.fail_next(429, headers={"Retry-After": "4"}, times=2)
    ran = bench.tap(*options, "--catalog", catalog)
    last = said(ran.lines("waited", "of waiting"))
    claimed = [float(text) for text in re.findall(r"(\d+) s of waiting", last)]
    right = "waited" in last and all(seconds <= ran.seconds for seconds in claimed)
    return Outcome(right, f"{last[-100:]} ({ran.seconds:.0f} s in all)")


@trial("changed columns name stream and tenant")
def _changed(bench: Bench) -> Outcome:
    bench.load()
    tenants = [{"tenant_id": bench.emulator.tenant_id}]
    catalog = bench.catalog(bench.config(tenant_id=None, tenants=tenants))
    query = {**ALERTS, "query": "AlertInfo | project Timestamp, AlertId, Title, Category"}
    options = bench.config(query, tenant_id=None, tenants=tenants)
    ran = bench.tap(*options, "--catalog", catalog)
    last = said(ran.lines("olumns of the result"))
    return Outcome("alerts" in last and bench.emulator.tenant_id in last, last)


@trial("--test of healthy settings")
def _dry(bench: Bench) -> Outcome:
    bench.load()
    ran = bench.tap(*bench.config(ALERTS, {**ALERTS, "name": "others"}), "--test")
    wrong = ran.lines("ERROR", "failed")
    return Outcome(ran.status == 0 and not wrong, f"status {ran.status}, {len(wrong)} such lines")


@trial("--test=schema")
def _schemas(bench: Bench) -> Outcome:
    ran = bench.tap(*bench.config(), "--test=schema")
    schemas = [m for m in ran.messages if m["type"] == "SCHEMA"]
    bad = [
        m["stream"] for m in schemas if not {*m["key_properties"]} <= {*m["schema"]["properties"]}
    ]
    return Outcome(bool(schemas) and not bad, f"without their key: {', '.join(bad) or 'none'}")


@trial("stream map for no stream")
def _misspelt(bench: Bench) -> Outcome:
    bench.load()
    ran = bench.tap(*bench.config(stream_maps={"alrets": {"Title": None}}))
    right = ran.status == 1 and "did you mean 'alerts'" in ran.errors
    return Outcome(right, f"status {ran.status}, {len(ran.of('RECORD'))} rows unmasked")


@trial("stream map for all streams")
def _wildcard(bench: Bench) -> Outcome:
    bench.load()
    ran = bench.tap(*bench.config(stream_maps={"*": {"Title": None}}))
    rows = len(ran.of("RECORD"))
    return Outcome(ran.status == 0 and rows == 3, f"status {ran.status}, {rows} rows")


@trial("state with a tenant twice")
def _twice(bench: Bench) -> Outcome:
    bench.load()
    tenants = [{"tenant_id": bench.emulator.tenant_id}]
    part = {
        "context": tenants[0],
        "replication_key": "Timestamp",
        "replication_key_value": bench.ago(hours=9),
    }
    state = bench.file("state.json", {"bookmarks": {"alerts": {"partitions": [part, part]}}})
    options = bench.config(ALERTS, {**ALERTS, "name": "zulu"}, tenant_id=None, tenants=tenants)
    ran = bench.tap(*options, "--state", state)
    right = len(ran.of("RECORD", "zulu")) == 3 and "Traceback" not in ran.errors
    return Outcome(right, said(ran.lines("2 entries", "ValueError")))


@trial("Ctrl-C")
def _interrupt(bench: Bench) -> Outcome:
    bench.load()
    last = {"name": "zulu", "query": "AlertInfo | project Timestamp, Category"}
    bench.emulator.fail_next(
        503,
        when=lambda text: "Category" in text and "<" in text,
        times=None,
        headers={"Retry-After": "60"},
    )
    ran = bench.interrupted(
        *bench.config(ALERTS, last),
        number=signal.SIGINT,
        after=lambda log: "Waiting" in log and "complete" in log,
    )
    right = ran.status == 130 and "Interrupted by SIGINT" in ran.errors
    return Outcome(right, said(ran.lines("nterrupted", "terminat", "Abort")))


# --- terminals and pipes ------------------------------------------------------------------------

_WIDE: Final = {"name": "ports", "query": "DeviceNetworkEvents\n| top 10 by RemotePort"}


@trial("80 columns")
def _narrow(bench: Bench) -> Outcome:
    ran = bench.people("check", "--offline", *bench.config(_WIDE), COLUMNS="80")
    widest = max(map(len, ran.output.splitlines()))
    return Outcome(widest <= 80, f"widest line {widest}")


@trial("NO_COLOR")
def _colours(bench: Bench) -> Outcome:
    shown = bench.on_terminal("check", "--offline", *bench.config(_WIDE), NO_COLOR="1")
    codes = len(re.findall(r"\x1b\[\d*m", shown))
    return Outcome("ports" in shown and codes == 0, f"{codes} colours")


@trial("check | head")
def _head(bench: Bench) -> Outcome:
    queries = [{"name": f"q{n}", "query": "AlertInfo"} for n in range(300)]
    command = [str(bench.commands / "m365hunting"), "check", "--offline", "--kql"]
    line = f"{shlex.join([*command, *bench.config(*queries)])} | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env=bench.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.stderr == "", said(done.stderr.splitlines()))


@trial("one row")
def _one(bench: Bench) -> Outcome:
    bench.load(1)
    ran = bench.people("plan", *bench.config())
    return Outcome("1 row," in ran.all and " 1 rows" not in ran.all, said(ran.lines(" row")))


def _narrow_characters(command: str, words: str) -> Callable[[Bench], Outcome]:
    def run(bench: Bench) -> Outcome:
        bench.load()
        query = {"name": "u", "query": "AlertInfo | extend x = '\u65e5\u672c' | top 3 by Timestamp"}
        options = bench.config(*([query] if command == "check" else []))
        ran = bench.people(command, *options, PYTHONIOENCODING="cp1252")
        return Outcome("Traceback" not in ran.all and words in ran.all, said(ran.lines("")))

    return run


TRIALS["cp1252, check"] = _narrow_characters("check", "x = '??'")
TRIALS["cp1252, plan"] = _narrow_characters("plan", "The run")


@trial("emulator without its extra")
def _extra(bench: Bench) -> Outcome:
    blocked = "import runpy, sys; sys.modules['duckdb'] = None; del sys.argv[0]"
    code = f"{blocked}; runpy.run_path(sys.argv[0], run_name='__main__')"
    ran = bench.run(["python", "-c", code, str(bench.commands / "hunting-emulator")], {})
    right = "Traceback" not in ran.errors and "emulator" in ran.errors
    return Outcome(right, said(ran.lines("")))


_VERDICTS: Final = {True: "right", False: "WRONG"}


# --- the script ---------------------------------------------------------------------------------


@contextmanager
def bench_for(commands: Path, checkout: Path, emulator: Emulator) -> Iterator[Bench]:
    """Yield a bench as good as new; the emulator's clock is that of the machine."""
    emulator.clear(data=True)
    emulator.clock.reset()
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(commands, checkout, emulator, Path(folder))


def main() -> None:
    """Run the trials, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--only", default="", help="part of a trial's name")
    given = parser.parse_args()
    for name in PROXIES:
        os.environ.pop(name, None)
    names, wrong = [name for name in TRIALS if given.only in name], 0
    with Emulator() as emulator:
        for name in names:
            with bench_for(given.commands.absolute(), given.checkout, emulator) as bench:
                outcome = TRIALS[name](bench)
            wrong += not outcome.right
            sys.stdout.write(f"{_VERDICTS[outcome.right]}  {name:<40} {outcome.seen}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(names) - wrong} of {len(names)} right\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
