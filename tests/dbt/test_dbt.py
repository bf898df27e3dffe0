"""The models over the demo's tables: green where all is there, red where an hour is missing."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt"
DBT = os.environ.get("DBT", "")
DEMO = ROOT / "output" / "hunting.duckdb"

needs_dbt = pytest.mark.skipif(not DBT, reason="`make dbt-demo` installs dbt and runs the demo")


@dataclass(frozen=True)
class Warehouse:
    """A copy of the demo's tables, and the models that dbt makes of them."""

    folder: Path

    @property
    def loaded(self) -> Path:
        """The loader's tables."""
        return self.folder / "hunting.duckdb"

    def change(self, sql: str) -> None:
        """Change the loader's tables."""
        with closing(duckdb.connect(self.loaded)) as connection:
            connection.execute(sql)

    def ask(self, sql: str, *, of: str = "models.duckdb") -> list[tuple[Any, ...]]:
        """Ask the models."""
        with closing(duckdb.connect(self.folder / of, read_only=True)) as connection:
            return connection.sql(sql).fetchall()

    def build(self) -> dict[str, str]:
        """Run dbt; return the outcome of each model and test by the name of it."""
        options = ("--project-dir", PROJECT, "--profiles-dir", PROJECT)
        subprocess.run(
            (DBT, "build", *options, "--target-path", self.folder, "--log-path", self.folder),
            env=os.environ
            | {
                "HUNTING_DATABASE": str(self.loaded),
                "HUNTING_MODELS": str(self.folder / "models.duckdb"),
            },
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        ran = json.loads((self.folder / "run_results.json").read_text("utf-8"))
        return {each["unique_id"].split(".")[2]: each["status"] for each in ran["results"]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Give a copy of the tables that the demo has loaded."""
    made = Warehouse(tmp_path)
    shutil.copyfile(DEMO, made.loaded)
    return made


def failed(outcomes: dict[str, str]) -> set[str]:
    """Return what did not pass."""
    return {name for name, status in outcomes.items() if status not in ("success", "pass")}


@needs_dbt
def test_a_whole_run_is_green_though_rows_were_loaded_twice(warehouse: Warehouse) -> None:
    """Loaders that append keep each reading; the models have each row once."""
    (entities,) = warehouse.ask("SELECT count(*) FROM alerted_entities", of="hunting.duckdb")
    for table in ("alerted_entities", "hunting_windows", "device_info"):
        warehouse.change(f"INSERT INTO {table} SELECT * FROM {table}")  # noqa: S608

    outcomes = warehouse.build()

    assert failed(outcomes) == set()
    assert outcomes["coverage_has_no_holes"] == "pass"
    assert warehouse.ask("SELECT sum(entities) FROM alerts") == [entities]
    counted = "SELECT sum(rows_of_day) FROM rows_by_day WHERE stream = 'alerted_entities'"
    assert warehouse.ask(counted) == [entities]


@needs_dbt
def test_coverage_is_what_the_command_says(warehouse: Warehouse) -> None:
    """Two ways to the same answer: SQL in the warehouse, and `m365hunting coverage`."""
    warehouse.build()
    command = Path(sys.executable).with_name("m365hunting")
    said = subprocess.run(
        (command, "coverage", warehouse.loaded, "--format", "json"),
        capture_output=True,
        check=True,
    )

    streams = {each["stream"]: each for each in json.loads(said.stdout)["streams"]}
    columns = "stream, strftime(complete_to, '%Y-%m-%dT%H:%M:%S'), holes, rows_received, calls"
    for stream, complete_to, holes, rows, calls in warehouse.ask(f"SELECT {columns} FROM coverage"):  # noqa: S608
        told = streams.pop(stream)
        assert str(told["complete_to"]).startswith(complete_to)
        assert (len(told["gaps"]), told["rows"], told["calls"]) == (holes, rows, calls)
    assert streams == {}


@needs_dbt
def test_an_hour_that_no_run_read_fails_the_test_of_holes(warehouse: Warehouse) -> None:
    """Only that test, and the hole stands in a table with its bounds."""
    cut_hour(warehouse, "phished_clicks")

    outcomes = warehouse.build()

    assert failed(outcomes) == {"coverage_has_no_holes"}
    assert outcomes["coverage_has_no_holes"] == "fail"
    assert warehouse.ask("SELECT stream, epoch(hole_end - hole_start), reason FROM holes") == [
        ("phished_clicks", 3600, "unread")
    ]


@needs_dbt
def test_a_window_that_could_not_be_read_is_a_hole_with_its_reason(warehouse: Warehouse) -> None:
    """The record of the gap is there; the time is missing all the same."""
    cut_hour(warehouse, "hidden_shells", status="gap_unreadable")

    outcomes = warehouse.build()

    assert failed(outcomes) == {"coverage_has_no_holes"}
    assert warehouse.ask("SELECT stream, epoch(hole_end - hole_start), reason FROM holes") == [
        ("hidden_shells", 3600, "gap_unreadable")
    ]


def cut_hour(warehouse: Warehouse, stream: str, *, status: str = "") -> None:
    """Cut an hour out of the middle of a stream's windows; `status` leaves a record of it."""
    warehouse.change(
        f"""
        CREATE TEMP TABLE was AS SELECT * FROM hunting_windows WHERE stream = '{stream}';
        CREATE TEMP TABLE middle AS SELECT date_trunc('hour',
            min(window_start) + (max(window_end) - min(window_start)) / 2) AS cut FROM was;
        DELETE FROM hunting_windows WHERE stream = '{stream}';
        INSERT INTO hunting_windows SELECT was.* REPLACE (least(window_end, cut) AS window_end)
            FROM was, middle WHERE window_start < cut;
        INSERT INTO hunting_windows SELECT was.* REPLACE (
            greatest(window_start, cut + INTERVAL 1 HOUR) AS window_start)
            FROM was, middle WHERE window_end > cut + INTERVAL 1 HOUR;
        INSERT INTO hunting_windows SELECT was.* REPLACE (cut AS window_start,
            cut + INTERVAL 1 HOUR AS window_end, '{status}' AS status, 0 AS rows)
            FROM was, middle WHERE '{status}' <> '' LIMIT 1;
        """  # noqa: S608
    )


def test_sources_are_streams_of_the_demo() -> None:
    """A table that dbt asks for is one that the sample config loads."""
    config = json.loads((ROOT / "sample_config.json").read_text("utf-8"))
    streams = {query.get("name") for query in config["queries"]} | {
        "device_info",
        "hunting_windows",
    }
    sources = yaml.safe_load((PROJECT / "models/sources.yml").read_text("utf-8"))["sources"]
    counted = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]["streams"]

    tables = {table["name"] for source in sources for table in source["tables"]}
    assert tables <= streams
    assert {*counted} <= tables
