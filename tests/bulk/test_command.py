"""The command: settings, `--about`, and the lines that Singer's SDK tries targets on."""

import json
import os
import subprocess
import sys
import venv
from importlib import resources
from pathlib import Path
from time import sleep

import duckdb
import pytest

from bulk_loader.cli import main
from bulk_loader.errors import LoadError
from bulk_loader.opening import opened
from bulk_loader.settings import SCHEMA, Settings, gathered, unknown
from tests.bulk.loads import Database, Json

LINES = resources.files("singer_sdk.testing.target_test_streams")
COMMAND = Path(sys.executable).with_name("target-bulk-duckdb")


def run(
    *arguments: str, lines: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the installed command."""
    return subprocess.run(
        [COMMAND, *arguments], input=lines, capture_output=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip


def test_about_names_every_setting() -> None:
    """For people, and as JSON for tools that make a listing of it."""
    text, told = run("--about"), json.loads(run("--about", "--format=json").stdout)

    assert told["name"] == "target-bulk-duckdb"
    assert told["settings"]["properties"].keys() == SCHEMA["properties"].keys()
    assert [name for name in SCHEMA["properties"] if name not in text.stdout.decode()] == []


def test_settings_come_from_files_and_environment(tmp_path: Path) -> None:
    """A later file goes over an earlier one, and the environment over both."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text('{"database": "a.duckdb", "schema": "a", "memory_limit": "1GB"}')
    second.write_text('{"schema": "b", "batch_size_rows": 5}')
    environment = {
        "TARGET_BULK_DUCKDB_SCHEMA": "c",
        "TARGET_BULK_DUCKDB_ADD_METADATA_COLUMNS": "true",
    }

    given = gathered([first, second], environment)

    assert Settings.of(given) == Settings(
        database=Path("a.duckdb"), schema="c", add_metadata_columns=True, memory_limit="1GB"
    )
    assert unknown(given) == ["batch_size_rows"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({}, "Set 'database'", id="nowhere"),
        pytest.param({"database": "a", "parquet_dir": "b"}, "and not both", id="two-places"),
        pytest.param({"database": ":memory:"}, "nothing is left of", id="memory"),
        pytest.param({"database": "~nobody.here/x"}, "no such home", id="home"),
        pytest.param({"database": "a", "memory_limit": 512}, "such as '512MB'", id="no-text"),
        pytest.param({"database": "a", "memory_limit": "512"}, "such as '512MB'", id="no-unit"),
        pytest.param({"database": 7}, "'database' has to be a str", id="type"),
        pytest.param(
            {"database": "a", "add_metadata_columns": "perhaps"}, "has to be a bool", id="boolean"
        ),
    ],
)
def test_settings_that_say_nothing_clear_are_refused(given: Json, said: str) -> None:
    """Before anything is opened."""
    with pytest.raises(LoadError, match=said):
        Settings.of(given)


@pytest.mark.parametrize("name", ["database", "parquet_dir"])
def test_place_may_be_in_the_home(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell would have it, were it not in a file of settings."""
    monkeypatch.setenv("HOME", "/home/of")

    assert getattr(Settings.of({name: "~/x.db"}), name) == Path("/home/of/x.db")


def test_file_of_settings_that_is_none_is_told(tmp_path: Path) -> None:
    """A line and status 1, whatever is wrong with it."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"database": secret}')

    for file in (wrong, tmp_path / "missing.json"):
        done = run("--config", str(file))
        assert done.returncode == 1
        assert file.name in done.stderr.decode()
        assert b"secret" not in done.stderr
        assert b"Traceback" not in done.stderr


SECRET = "iK28Q~iGp.58WAm_dX3a5IDnOdcdbWB2dC4.DSDC"
TEXT = json.dumps({"token": SECRET})


@pytest.mark.parametrize(
    "text", [SECRET, TEXT, TEXT * 20, f"md:{SECRET}", f"https://u:{SECRET}@h/x"], ids=range(5)
)
def test_text_in_the_place_of_a_file_is_not_shown(text: str) -> None:
    """Of settings, or of lines."""
    for options in (["--config", text], ["--input", text]):
        done = run(*options, TARGET_BULK_DUCKDB_DATABASE="unused.duckdb")

        assert done.returncode == 1
        assert SECRET.encode() not in done.stderr + done.stdout
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("setting", ["DATABASE", "PARQUET_DIR"])
@pytest.mark.parametrize(
    "address", ["md:", "motherduck:", "md:hunting?motherduck_token=", "s3://b/"]
)
def test_address_in_the_place_of_a_file_is_refused(setting: str, address: str) -> None:
    """Only files are written; DuckDB would fetch an extension, and name the token."""
    environment = {f"TARGET_BULK_DUCKDB_{setting}": f"{address}{SECRET}"}

    done = run(lines=b"", **environment)

    assert done.returncode == 1
    assert b"has to be a file or a folder; no address is written to" in done.stderr
    assert SECRET.encode() not in done.stderr


def test_place_that_cannot_be_made_is_told_without_what_may_be_a_secret(tmp_path: Path) -> None:
    """A file stands where its folder should."""
    (tmp_path / "file").write_text("")

    done = run(TARGET_BULK_DUCKDB_DATABASE=str(tmp_path / "file" / SECRET))

    assert done.returncode == 1
    assert b"cannot be opened" in done.stderr
    assert SECRET.encode() not in done.stderr


def test_no_extension_is_fetched(tmp_path: Path) -> None:
    """What a query asks for is in DuckDB already, or not there."""
    with opened(tmp_path / "rows.duckdb", "64MB") as connection:
        kept = connection.execute(
            "SELECT value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        ).fetchall()

    assert kept == [("false",), ("false",)]


def test_place_that_is_no_database_is_told(tmp_path: Path) -> None:
    """A file of another kind is left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("notes")

    done = run(TARGET_BULK_DUCKDB_DATABASE=str(file))

    assert done.returncode == 1
    assert b"cannot be opened" in done.stderr
    assert file.read_text() == "notes"


def test_command_loads_standard_input(tmp_path: Path) -> None:
    """What `tap | target-bulk-duckdb --config FILE` does."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"database": str(tmp_path / "new" / "rows.duckdb")}))

    done = run("--config", str(config), lines=(LINES / "camelcase.singer").read_bytes())

    assert done.returncode == 0
    with duckdb.connect(str(tmp_path / "new" / "rows.duckdb"), read_only=True) as connection:
        [[count]] = connection.execute("SELECT count(*) FROM TestCamelcase").fetchall()
    assert count == 2


REFUSED = {"invalid_schema", "record_before_schema", "record_missing_key_property"}
STANDARD = sorted(
    file.name.removesuffix(".singer") for file in LINES.iterdir() if file.name.endswith(".singer")
)


@pytest.mark.parametrize("name", STANDARD)
def test_lines_of_the_sdks_own_tests(name: str, database: Database) -> None:
    """Loaded, each row that has to be there and no other; or refused where the SDK refuses."""
    text = (LINES / f"{name}.singer").read_bytes()
    if name in REFUSED:
        with pytest.raises(LoadError):
            database.load_bytes(text)
        return

    database.load_bytes(text)

    for stream, (wanted, key) in expected(text).items():
        assert database.rows(stream) == len(wanted), stream
        for cells in wanted:
            assert database.ask(f'FROM "{stream}" WHERE {where(cells, key)}'), (stream, cells)


def expected(text: bytes) -> dict[str, tuple[list[dict[str, Json]], list[str]]]:
    """Return the records that stay of each stream, and its key."""
    found: dict[str, dict[Json, dict[str, Json]]] = {}
    keys: dict[str, list[str]] = {}
    for number, message in enumerate(map(json.loads, text.splitlines())):
        if message["type"] == "SCHEMA":
            keys[message["stream"]] = message.get("key_properties") or []
            found.setdefault(message["stream"], {})
        elif message["type"] == "RECORD":
            cells = message["record"]
            key = keys[message["stream"]]
            identity = tuple(cells[k] for k in key) if key else number
            found[message["stream"]][identity] = cells
    return {stream: (list(rows.values()), keys[stream]) for stream, rows in found.items()}


def where(cells: dict[str, Json], key: list[str]) -> str:
    """Return the condition that a row has this key and these texts."""
    told = [
        f'"{name}"::VARCHAR IS NOT DISTINCT FROM {literal(cell)}'
        for name, cell in cells.items()
        if name in key or isinstance(cell, str)
    ]
    return " AND ".join(told or ["TRUE"])


def literal(cell: Json) -> str:
    """Return a value as DuckDB writes it in text."""
    if cell is None:
        return "NULL"
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    return "'" + text.replace("'", "''") + "'"


def test_main_ends_with_the_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 0 after a load of a file, 1 after one that stopped."""
    monkeypatch.setenv("TARGET_BULK_DUCKDB_DATABASE", str(tmp_path / "rows.duckdb"))
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes((LINES / "duplicate_records.singer").read_bytes())
    bad.write_bytes((LINES / "record_before_schema.singer").read_bytes())

    assert main(["--input", str(good)]) == 0
    assert main(["--input", str(bad)]) == 1


def test_settings_without_an_end_are_refused() -> None:
    """A device is no file of settings."""
    done = run("--config", "/dev/zero")

    assert done.returncode == 1
    assert done.stderr == b"CRITICAL target-bulk-duckdb: Settings in /dev/zero are no JSON object\n"


@pytest.mark.parametrize(
    "line",
    [
        (
            b'{"type": "SCHEMA", "stream": "s\\nx\\u202e", "schema": {"properties": {"a": {}}}, '
            b'"key_properties": ["k\\nCRITICAL target-bulk-duckdb: forged\\u009b\\u202e"]}'
        ),
        b'{"type": "N\\nCRITICAL target-bulk-duckdb: forged\\u202e"}',
        b'{"type": "RECORD", "stream": "s\\nCRITICAL target-bulk-duckdb: forged", "record": {}}',
    ],
    ids=["key", "type", "stream"],
)
def test_name_begins_no_line_of_its_own(tmp_path: Path, line: bytes) -> None:
    """Control characters and marks of direction are escaped in each message."""
    database = str(tmp_path / "rows\nCRITICAL: forged.duckdb")

    done = run(lines=line + b"\n", TARGET_BULK_DUCKDB_DATABASE=database)
    told = done.stderr.decode()

    assert done.returncode == 1
    assert told.count("\n") == 1
    assert told.rstrip("\n").isprintable()


@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
@pytest.mark.parametrize(
    "nested", [('{"properties":{"a":', "}}"), ('{"anyOf":[', "]}")], ids=["properties", "anyOf"]
)
def test_schema_of_any_depth_is_no_traceback(
    tmp_path: Path, depth: int, nested: tuple[str, str]
) -> None:
    """It is loaded, or refused by its line."""
    about = nested[0] * depth + "{}" + nested[1] * depth
    line = f'{{"type":"SCHEMA","stream":"s","schema":{{"properties":{{"x":{about}}}}}}}\n'

    done = run(lines=line.encode(), TARGET_BULK_DUCKDB_DATABASE=str(tmp_path / "rows.duckdb"))

    assert b"Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.startswith(b"CRITICAL target-bulk-duckdb: Line 1")


def test_rows_on_their_way_are_private(tmp_path: Path) -> None:
    """The folder of slices stands beside the database, whose mode its owner chooses."""
    environment = os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(tmp_path / "rows.duckdb")}
    slices = tmp_path / "rows.duckdb.slices"

    with subprocess.Popen([COMMAND], stdin=subprocess.PIPE, env=environment) as process:
        while not slices.exists() and process.poll() is None:
            sleep(0.02)
        mode = slices.stat().st_mode & 0o777

    assert (mode, process.returncode) == (0o700, 0)


def test_without_its_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    """A line and a failure, in an environment that has nothing installed, and no traceback."""
    venv.create(tmp_path / "bare", with_pip=False)

    done = subprocess.run(
        [str(tmp_path / "bare" / "bin" / "python"), "-m", "bulk_loader"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("target-bulk-duckdb needs its extra (")
    assert done.stderr.endswith("pip install 'tap-m365hunting[duckdb]'\n")
    assert done.stderr.count("\n") == 1
