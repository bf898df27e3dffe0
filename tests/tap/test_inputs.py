"""Files and variables that are named for a command, and are not what they should be."""

import json
import os
import subprocess
import sys
from io import StringIO, TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tap_m365hunting.errors import UnusableInputError
from tap_m365hunting.inputs import catalog_of, settings_of, settings_of_variables, state_of
from tap_m365hunting.tap import TapM365Hunting
from tests.tap.commands import Commands
from tests.tap.harness import Tenant
from tests.tap.test_command import ALERTS, run

VALUE = "2026-03-01T00:00:00.0000000Z"
STATE = {"bookmarks": {"alerts": {"replication_key": "Timestamp", "replication_key_value": VALUE}}}
ENTRY = {"tap_stream_id": "alerts", "stream": "alerts", "schema": {"properties": {"A": {}}}}
SCHEMA = TapM365Hunting.config_jsonschema
NO_CATALOG = "{file}: is no catalog as `tap-m365hunting --discover` writes it"
NO_TEXT = b'{"a": "\xff"}'
MARK = b"\xef\xbb\xbf"


class NamedText(StringIO):
    """A file as a command opens it."""

    name = "given.json"


def lines(text: str) -> list[dict[str, Any]]:
    """Parse what the tap wrote."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"{", "is not JSON: Expecting property name", id="no-json"),
        pytest.param(b"[" * 100_000, "it is nested too deeply", id="too-deep"),
        pytest.param(NO_TEXT, "cannot be read: it is not UTF-8 text", id="no-text"),
        pytest.param(b"null", "must hold an object", id="no-object"),
    ],
)
def test_settings_file_that_cannot_be_used_is_a_line_in_every_command(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """The tap, its discovery and the commands for people say the same; nobody reads a traceback."""
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_bytes(content)
    tap = [sys.executable, "-m", "tap_m365hunting", "--config", str(file)]

    synced, discovered = (
        subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        for command in (tap, [*tap, "--discover"])
    )
    checked = Commands(tmp_path).run("check", "--offline", "--config", str(file))

    for status, words in (
        (synced.returncode, synced.stderr),
        (discovered.returncode, discovered.stderr),
        (checked.status, checked.errors),
    ):
        assert status == 1
        assert f"{file}: " in words
        assert said in words
        assert "Traceback" not in words


def test_all_files_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    """Nobody should have to mend one to hear of the next."""
    (tmp_path / "list.json").write_text("[]")
    names = [str(tmp_path / "list.json"), str(tmp_path), "no\0name"]

    with pytest.raises(UnusableInputError) as refused:
        settings_of(names)

    assert refused.value.errors == (
        f"{names[0]}: must hold an object",
        f"{names[1]}: cannot be read: Is a directory",
        "--config (not shown, as it is no name of a file) cannot be read: no file has such a name",
    )


def test_byte_order_mark_is_none_of_any_file(tenant: Tenant, tmp_path: Path) -> None:
    """Editors on Windows write one; settings, tenants, queries, state and catalog may have it."""
    settings = tenant.config({"name": "alerts", "query_file": str(tmp_path / "alerts.kql")})
    tenants = [{"tenant_id": settings.pop("tenant_id")}]
    catalog = tenant.tap(settings | {"queries": [ALERTS], "tenants": tenants}).catalog_dict
    settings["tenants_file"] = str(tmp_path / "tenants.json")
    files = {
        "config.json": json.dumps(settings),
        "tenants.json": json.dumps(tenants),
        "alerts.kql": ALERTS["query"],
        "state.json": "{}",
        "catalog.json": json.dumps(catalog),
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(MARK + text.encode())
    options = ("--state", str(tmp_path / "state.json"), "--catalog", str(tmp_path / "catalog.json"))
    config = ("--config", str(tmp_path / "config.json"))
    tenant.emulator.clock.reset()

    synced = subprocess.run(
        [sys.executable, "-m", "tap_m365hunting", *config, *options],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    planned = Commands(tmp_path, tenant.emulator).run("plan", *config, *options)

    assert (synced.returncode, planned.status) == (0, 0), synced.stderr + planned.errors


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        pytest.param(("LOOKBACK_MINUTES", "S3CRET"), "must be a whole number", id="number"),
        pytest.param(("QUERIES", "[S3CRET"), "must be JSON", id="list"),
        pytest.param(("STREAM_MAPS", "S3CRET"), "must be JSON", id="object"),
        pytest.param(("ROW_ID", ""), "must be true or false", id="empty-boolean"),
        pytest.param(("ROW_ID", "S3CRET"), "must be true or false", id="boolean"),
        pytest.param(("TENANTS", "[" * 100_000), "must be JSON", id="too-deep"),
    ],
)
def test_variable_that_cannot_be_used_is_named(
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: tuple[str, str],
    said: str,
) -> None:
    """By the whole of its name, in the tap as in the commands; what it holds may be a secret."""
    name, text = f"TAP_M365HUNTING_{variable[0]}", variable[1]
    monkeypatch.setenv(name, text)

    synced = run(tmp_path, tenant.config(ALERTS), "--config", "ENV")
    config = str(tmp_path / "config.json")
    checked = Commands(tmp_path).run("check", "--offline", "--config", config, "--config", "ENV")

    assert (synced.returncode, checked.status) == (1, 1)
    for words in (synced.stderr, checked.errors):
        assert f"{name}: {said}" in words
        assert "S3CRET" not in words
        assert "Traceback" not in words


def test_all_variables_that_cannot_be_used_are_named_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody should have to mend one to hear of the next."""
    monkeypatch.setenv("TAP_M365HUNTING_RETENTION_DAYS", "30.5")
    monkeypatch.setenv("TAP_M365HUNTING_QUERIES", "AlertInfo")

    with pytest.raises(UnusableInputError) as refused:
        settings_of_variables(SCHEMA)

    assert refused.value.errors == (
        "TAP_M365HUNTING_QUERIES: must be JSON",
        "TAP_M365HUNTING_RETENTION_DAYS: must be a whole number",
    )


@pytest.mark.parametrize(
    ("text", "meant"), [("TRUE", True), ("1", True), ("no", False), ("False", False)]
)
def test_boolean_in_a_variable_is_a_word(
    monkeypatch: pytest.MonkeyPatch, text: str, *, meant: bool
) -> None:
    """Whatever its case."""
    monkeypatch.setenv("TAP_M365HUNTING_ROW_ID", text)

    assert settings_of_variables(SCHEMA) == {"row_id": meant}


def test_variable_that_is_like_a_setting_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It was to be one; what is like none may be another program's, such as Meltano's."""
    monkeypatch.setenv("TAP_M365HUNTING_TENNAT_ID", "t")
    monkeypatch.setenv("TAP_M365HUNTING__STATE", "state.json")
    monkeypatch.setenv("TAP_M365HUNTING_PORT_8443_TCP_ADDR", "10.0.0.1")

    assert settings_of_variables(SCHEMA) == {}
    assert [record.getMessage() for record in caplog.records] == [
        "The variable TAP_M365HUNTING_TENNAT_ID is no setting (did you mean 'tenant_id'?)"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            {"type": "STATE", "value": STATE},
            ["is a STATE line as the tap writes it; keep what stands in its `value`"],
            id="state-line",
        ),
        pytest.param(
            {"singer_state": STATE},
            ["is a state as `meltano state get` prints it; keep what stands in its `singer_state`"],
            id="of-meltano",
        ),
        pytest.param(
            {"streams": []},
            ["is no state, which has `bookmarks`; to read all anew leave --state out"],
            id="catalog",
        ),
        pytest.param([], ["must hold an object"], id="list"),
        pytest.param({"bookmarks": None}, ["bookmarks: must be an object"], id="no-bookmarks"),
        pytest.param(
            {"bookmarks": {"a": None, "b": {}, "c": "2026-03-01"}},
            [
                "bookmarks.a: must be an object; to read the stream anew remove it",
                "bookmarks.c: must be an object; to read the stream anew remove it",
            ],
            id="bookmark-that-is-none",
        ),
        pytest.param(
            {
                "bookmarks": {
                    "a": {"partitions": "x"},
                    "b": {"partitions": [1, {"context": "t"}, {"context": {"tenant_id": 5}}]},
                    "c": {"partitions": None, "progress_markers": 5},
                    "d": {"replication_key": 5, "holes": [1]},
                }
            },
            [
                f"bookmarks.{problem}; to read the stream anew remove it"
                for problem in (
                    "a.partitions: must be a list",
                    "b.partitions[0]: must be an object with a context, an object",
                    "b.partitions[1]: must be an object with a context, an object",
                    "b.partitions[2].context.tenant_id: must be a string",
                    "c.progress_markers: must be an object",
                    "c.partitions: must be a list",
                    "d.replication_key: must be a string",
                    "d.replication_key_value: must be a string",
                    "d.holes: must be a list of objects",
                )
            ],
            id="parts-of-bookmarks",
        ),
    ],
)
def test_state_of_another_form_is_refused(content: object, said: list[str]) -> None:
    """Taken for none it would have everything read anew, without a word."""
    with pytest.raises(UnusableInputError) as refused:
        state_of(NamedText(json.dumps(content)))

    assert refused.value.errors == tuple(f"given.json: {line}" for line in said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("NaN", "a number is NaN, which JSON has no word for", id="nan"),
        pytest.param("-Infinity", "a number is infinite, which JSON", id="infinity"),
        pytest.param("1e999", "a number is infinite, which JSON has no word for", id="overflow"),
        pytest.param("9" * 5_000, "a number has 5,000 digits, of at most 1,000", id="digits"),
        pytest.param("[" * 101 + "]" * 101, "nested too deeply, beyond 100 levels", id="depth"),
    ],
)
def test_value_that_no_run_could_write_again_is_refused(value: str, said: str) -> None:
    """NaN would be null in the next state, and depth would end the run in its middle."""
    for read, text in ((state_of, '{"bookmarks": {"a": %s}}'), (catalog_of, '{"streams": %s}')):
        with pytest.raises(UnusableInputError) as refused:
            read(NamedText(text % value))

        assert said in str(refused.value)
        assert "sys." not in str(refused.value)


def test_depth_that_is_read_is_written_again(tenant: Tenant, tmp_path: Path) -> None:
    """A state and a catalog of the most levels end no run."""
    entries = tenant.tap(tenant.config(ALERTS)).catalog_dict["streams"]
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(46):
        deep = {"type": "object", "properties": {"a": deep}}
    for entry in entries:
        entry["schema"]["properties"]["Deep"] = deep
    nested: list[Any] = []
    for _ in range(96):
        nested = [nested]
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": entries}), "utf-8")
    state = {"bookmarks": {"alerts": {"x": nested}, "other": {"x": nested}}}
    (tmp_path / "state.json").write_text(json.dumps(state), "utf-8")
    tenant.emulator.clock.reset()
    options = [f"--{name}={tmp_path / name}.json" for name in ("state", "catalog")]

    ended = run(tmp_path, tenant.config(ALERTS), *options)

    assert ended.returncode == 0, ended.stderr
    assert lines(ended.stdout)[-1]["value"]["bookmarks"]["other"] == {"x": nested}


def test_what_is_wrong_in_state_and_catalog_is_said_at_once_by_tap_and_plan(
    tenant: Tenant, tmp_path: Path
) -> None:
    """With file and place, and before any call."""
    catalog = {"streams": [ENTRY | {"schema": {"properties": {"A": {"type": 5}}}}]}
    (tmp_path / "state.json").write_text('{"bookmarks": {"alerts": {"partitions": "x"}}}')
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    options = [f"--{name}={tmp_path / name}.json" for name in ("state", "catalog")]

    synced = run(tmp_path, tenant.config(ALERTS), *options)
    config = ("--config", str(tmp_path / "config.json"))
    planned = Commands(tmp_path, tenant.emulator).run("plan", *config, *options)

    assert (synced.returncode, planned.status) == (1, 1)
    for words in (synced.stderr, planned.errors):
        assert f"{tmp_path / 'state.json'}: bookmarks.alerts.partitions: must be a list" in words
        place = "streams[0].schema.properties.A.type: must be a string, or a list of strings"
        assert f"{tmp_path / 'catalog.json'}: {place}" in words
        assert "fault in the tap" not in words
    assert tenant.emulator.calls == ()


def test_of_several_states_one_has_to_be_kept() -> None:
    """A loader writes a line for each; the last one holds."""
    with pytest.raises(UnusableInputError, match="of several states keep the last line"):
        state_of(NamedText(f"{json.dumps(STATE)}\n{json.dumps(STATE)}\n"))


@pytest.mark.parametrize("content", [STATE, {"bookmarks": {}}, {}], ids=str)
def test_state_of_a_run_is_taken(content: dict[str, Any]) -> None:
    """One that has no bookmark yet among them."""
    assert state_of(NamedText(json.dumps(content))) == content


def test_run_that_failed_at_its_start_does_not_stop_those_after_it(
    tenant: Tenant, tmp_path: Path
) -> None:
    """`tap | loader > state.json` leaves an empty file then; the next run says so, and reads."""
    tenant.emulator.clock.reset()
    state = tmp_path / "state.json"
    state.write_bytes(b"")

    ended = run(tmp_path, tenant.config(ALERTS), "--state", str(state))

    assert ended.returncode == 0
    assert f"{state} is empty, so the run starts without a state" in ended.stderr
    assert lines(ended.stdout)


def test_state_that_is_no_text_is_a_line_and_no_traceback(tenant: Tenant, tmp_path: Path) -> None:
    """As for every file that is named."""
    state = tmp_path / "state.json"
    state.write_bytes(NO_TEXT)

    ended = run(tmp_path, tenant.config(ALERTS), "--state", str(state))

    assert ended.returncode == 1
    assert f"{state}: cannot be read: it is not UTF-8 text" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert tenant.emulator.calls == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", ["{file}: is empty", NO_CATALOG], id="empty"),
        pytest.param("[]", ["{file}: must hold an object", NO_CATALOG], id="list"),
        pytest.param("{}", ["{file}: streams: must be a list", NO_CATALOG], id="no-streams"),
        pytest.param(
            json.dumps(
                {"streams": [ENTRY, 1, {}, ENTRY | {"schema": {}}, ENTRY | {"stream": "b"}]}
            ),
            [
                "{file}: streams[1]: must be an object",
                "{file}: streams[2].tap_stream_id: must be a string",
                "{file}: streams[2].schema: must be an object with properties, each an object",
                "{file}: streams[3].schema: must be an object with properties, each an object",
                (
                    "{file}: streams[4].stream: must be the tap_stream_id, 'alerts'; a stream is "
                    "renamed in queries, or by a stream map"
                ),
                NO_CATALOG,
            ],
            id="entries",
        ),
        pytest.param(
            json.dumps(
                {
                    "streams": [
                        ENTRY | {"metadata": [{}], "key_properties": "A", "replication_key": 5},
                        ENTRY | {"metadata": 5, "key_properties": [1]},
                    ]
                }
            ),
            [
                "{file}: streams[0].replication_key: must be a string",
                "{file}: streams[0].key_properties: must be a list of strings",
                (
                    "{file}: streams[0].metadata[0]: must be an object with a breadcrumb, a list "
                    "of strings, and metadata, an object"
                ),
                "{file}: streams[1].key_properties: must be a list of strings",
                "{file}: streams[1].metadata: must be a list",
                NO_CATALOG,
            ],
            id="keys-and-metadata",
        ),
        pytest.param(
            json.dumps(
                {
                    "streams": [
                        ENTRY
                        | {
                            "schema": {
                                "properties": {
                                    "A": {"type": 5, "anyOf": 5, "items": []},
                                    "B": {"anyOf": [{"properties": 5}, {"properties": {"c": 1}}]},
                                    "C": 5,
                                }
                            }
                        }
                    ]
                }
            ),
            [
                f"{{file}}: streams[0].schema.properties.{problem}"
                for problem in (
                    "A.type: must be a string, or a list of strings",
                    "A.anyOf: must be a list",
                    "A.items: must be an object",
                    "B.anyOf[0].properties: must be an object",
                    "B.anyOf[1].properties.c: must be an object",
                    "C: must be an object",
                )
            ]
            + [NO_CATALOG],
            id="schema",
        ),
    ],
)
def test_catalog_of_another_form_is_refused(text: str, said: list[str]) -> None:
    """With every entry that is wrong; the run would stop at them one by one, or read nothing."""
    with pytest.raises(UnusableInputError) as refused:
        catalog_of(NamedText(text))

    assert refused.value.errors == tuple(line.replace("{file}", "given.json") for line in said)


def test_catalog_that_is_none_is_a_line_and_no_traceback(tenant: Tenant, tmp_path: Path) -> None:
    """A discovery that failed leaves an empty file behind."""
    catalog = tmp_path / "catalog.json"
    catalog.write_bytes(b"")

    ended = run(tmp_path, tenant.config(ALERTS), "--catalog", str(catalog))

    assert ended.returncode == 1
    assert f"{catalog}: is empty" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_file_is_utf_8_whatever_the_machine_takes_text_for(tmp_path: Path) -> None:
    """A command opens files in the machine's own encoding."""
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"bookmarks": {"größe": {}}}, ensure_ascii=False), "utf-8")

    with file.open(encoding="cp1252") as opened:
        assert isinstance(opened, TextIOWrapper)
        assert state_of(opened) == {"bookmarks": {"größe": {}}}


# --- files that settings name -------------------------------------------------------------------


def given(folder: Path, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return settings as they are read from a file in the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    return settings_of([str(folder / "config.json")])


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        pytest.param({"queries": [{"query_file": "{}"}]}, "q.kql", id="query"),
        pytest.param({"queries": [{"sigma_rule": "{}"}]}, "rules", id="folder-of-rules"),
        pytest.param({"tenants_file": "{}"}, "tenants.json", id="tenants"),
        pytest.param({"certificate_path": "{}"}, "app.pem", id="certificate"),
        pytest.param({"tenants": [{"federated_token_file": "{}"}]}, "token", id="of-a-tenant"),
    ],
)
def test_file_beside_the_settings_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], name: str
) -> None:
    """The working directory comes first, as Meltano has its settings in a folder of its own."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    monkeypatch.chdir(here)
    written = json.loads(json.dumps(settings).replace("{}", name))
    found = json.loads(json.dumps(settings).replace("{}", str(there / name)))

    assert given(there, **written) == written
    (there / name).mkdir()
    assert given(there, **written) == found
    (here / name).mkdir()
    assert given(there, **written) == written


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"queries": "q.kql", "tenants": 5}, id="no-lists"),
        pytest.param({"queries": ["q.kql"], "certificate_path": 7}, id="no-objects"),
        pytest.param({"certificate_path": "k" * 70_000}, id="too-long"),
        pytest.param({"certificate_path": "a\0b"}, id="no-name"),
    ],
)
def test_settings_that_name_no_file_are_left_to_their_own_check(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    """What is wrong with them is said with all the rest that is."""
    assert given(tmp_path, **settings) == settings


ENDLESS = "cannot be read: it holds more than 64 MiB"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"queries": [{"name": "a", "query_file": "/dev/zero"}]}, ENDLESS, id="query"),
        pytest.param({"tenants_file": "/dev/zero"}, ENDLESS, id="tenants"),
        pytest.param({"certificate_path": "/dev/zero"}, ENDLESS, id="certificate"),
        pytest.param(
            {"auth_method": "device_code", "token_cache_path": "{pipe}"},
            "cannot be read: it is no regular file",
            id="pipe-without-a-writer-for-a-sign-in",
        ),
        pytest.param(
            {"federated_token_file": "{pipe}"},
            "it is no regular file",
            id="pipe-without-a-writer-for-a-token",
        ),
    ],
)
def test_file_without_an_end_is_named(
    tenant: Tenant, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    """A device has no end, and a pipe may have no writer."""
    os.mkfifo(tmp_path / "pipe.bin", 0o600)
    config = tenant.config(ALERTS)
    for key in ("client_secret", *({"tenant_id"} if "tenants_file" in settings else ())):
        config.pop(key)
    named = json.loads(json.dumps(settings).replace("{pipe}", str(tmp_path / "pipe.bin")))

    ended = run(tmp_path, config | named)

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_settings_without_an_end_are_named(tmp_path: Path) -> None:
    """By the tap and the commands alike."""
    checked = Commands(tmp_path).run("check", "--offline", "--config", "/dev/zero")

    assert f"/dev/zero: {ENDLESS}" in checked.errors


def test_settings_and_a_query_may_come_through_pipes(tenant: Tenant, tmp_path: Path) -> None:
    """As a shell's `<(...)` and /dev/stdin are; lines may end as on Windows."""
    pipe = tmp_path / "query.kql"
    os.mkfifo(pipe)
    config = tenant.config({"name": "alerts", "query_file": str(pipe)})
    command = [sys.executable, "-m", "tap_m365hunting", "--config", "/dev/stdin"]
    tenant.emulator.clock.reset()

    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        writer = Thread(
            target=pipe.write_bytes, args=(b"AlertInfo\r\n| where true\r\n",), daemon=True
        )
        writer.start()
        _, errors = process.communicate(json.dumps(config).encode())

    assert process.returncode == 0, errors


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"flattening_max_depth": 10**20}, "max_depth: must be at most 100", id="depth"
        ),
        pytest.param(
            {"flattening_max_depth": 1, "flattening_max_key_length": 0},
            "flattening_max_key_length: must be at least 1",
            id="no-length",
        ),
        pytest.param(
            {"flattening_max_depth": 1, "flattening_max_key_length": 1},
            "flattening_max_key_length: stream hunting_windows: Duplicate column name",
            id="names-that-are-one",
        ),
    ],
)
def test_flattening_that_cannot_be_is_named_by_its_setting(
    tenant: Tenant, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    """The SDK bounds none of its own numbers."""
    tenant.emulator.clock.reset()

    ended = run(tmp_path, tenant.config(ALERTS, flattening_enabled=True, **settings))

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "fault in the tap" not in ended.stderr
