"""Events of ECS go through target-elasticsearch into an index as they are, each once."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator
from siem_maps.ecs import MAPS
from siem_maps.files import map_file
from tests.elastic.recorder import Index, Recorder, recording
from tests.siem import schemas
from tests.siem.events import ANCHOR, company
from tests.tap.harness import Tenant

LOADER = os.environ.get("ELASTIC", "")
FEW = 2000
ROWS = int(os.environ.get("ELASTIC_ROWS", FEW))
STREAM = "ecs_email_events"
# by the month of the rows' own time
INDICES = {"ecs-ecs-email-events-2026-02", "ecs-ecs-email-events-2026-03"}
needs_loader = pytest.mark.skipif(not LOADER, reason="`make elastic` installs target-elasticsearch")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Give a recorder with the types of ECS."""
    template = {name: about["type"] for name, about in schemas.ecs_fields().items()}
    with recording(template) as running:
        yield running


def mails(emulator: Emulator, rows: int) -> list[dict[str, Any]]:
    """Return what the tap writes of a day with about so many mails."""
    (wanted,) = (each for each in MAPS if each.table == "EmailEvents")
    emulator.use_engine(company("EmailEvents", rows))
    tenant = Tenant(emulator)
    emulator.clock.set(ANCHOR)
    query = {"name": STREAM, "query_file": str(map_file(wanted))}
    run = tenant.sync(query, dynamic_as="json", start_date="2026-02-27")
    assert run.failed == {}
    return run.lines


def load(lines: list[dict[str, Any]], recorder: Recorder, folder: Path) -> int:
    """Run the loader over the lines, with the settings of the page."""
    page = (Path(__file__).parents[2] / "docs" / "siem.md").read_text("utf-8")
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (settings,) = (json.loads(block) for block in blocks if "index_format" in block)
    config = folder / "config.json"
    config.write_text(json.dumps(settings | {"host": "127.0.0.1", "port": recorder.port}), "utf-8")
    done = subprocess.run(
        (LOADER, "--config", config),
        input="".join(json.dumps(line) + "\n" for line in lines).encode(),
        capture_output=True,
        check=False,
    )
    sys.stderr.write(done.stderr.decode()[-4000:])
    return done.returncode


@needs_loader
def test_each_row_is_a_document_by_its_row_id_and_stays_one(
    emulator: Emulator, recorder: Recorder, tmp_path: Path
) -> None:
    """A second run overwrites; values have the types that ECS gives the fields."""
    lines = mails(emulator, ROWS)
    records = [line["record"] for line in lines if line["type"] == "RECORD"]
    ids = {record["_row_id"] for record in records}

    statuses = [load(lines, recorder, tmp_path) for _ in range(2)]

    assert statuses == [0, 0]
    assert len(records) == len(ids) > ROWS * 0.98  # about so many are made
    assert recorder.refused == []
    assert set(recorder.indices) == INDICES
    documents = {
        key: (name[-7:], document)
        for name, index in recorder.indices.items()
        for key, document in index.documents.items()
    }
    assert set(documents) == ids
    assert sum(len(index.documents) for index in recorder.indices.values()) == len(ids)
    assert {n for index in recorder.indices.values() for n in index.written.values()} == {2}
    types = {path: t for index in recorder.indices.values() for path, t in index.types.items()}
    known = {name: about["type"] for name, about in schemas.ecs_fields().items()}
    of_ecs = {name: kind for name, kind in types.items() if name in known}
    assert len(of_ecs) > 15
    assert of_ecs == {name: known[name] for name in of_ecs}
    assert set(types) - set(of_ecs) == {"Timestamp", "_row_id"}
    for record in records[:500]:
        month, document = documents[record["_row_id"]]
        assert flat(document) == flat(record)
        assert record["Timestamp"].startswith(month)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record but for the two columns whose times the loader cuts to microseconds."""
    times = {name: datetime.fromisoformat(record[name]) for name in ("@timestamp", "Timestamp")}
    return {**record, **times}


@needs_loader
def test_a_value_of_another_type_fails_the_loader(
    emulator: Emulator, recorder: Recorder, tmp_path: Path
) -> None:
    """The recorder is no sink that takes anything, and the loader does not go on in silence."""
    lines = mails(emulator, FEW)
    for line in lines:
        if line["type"] == "RECORD":
            line["record"]["source"] = {"ip": "somewhere"}

    status = load(lines, recorder, tmp_path)

    assert status != 0
    assert "failed to parse field [source.ip] of type [ip]: 'somewhere'" in recorder.refused


def test_index_holds_a_field_to_its_first_type() -> None:
    """As dynamic mapping does, beside the fields of a template."""
    index = Index({"source.ip": "ip", "event.category": "keyword"})
    assert (
        index.put("a", {"n": 1, "source": {"ip": "10.0.0.1"}, "event": {"category": ["x"]}})
        == "created"
    )
    assert index.put("a", {"n": 2, "source": None}) == "updated"

    for broken in ({"n": "x"}, {"source": {"ip": "x"}}, {"event": {"category": [1]}}):
        with pytest.raises(ValueError, match="failed to parse field"):
            index.put("b", broken)
    with pytest.raises(ValueError, match="id of 0 bytes"):
        index.put("", {"n": 1})

    assert (set(index.documents), index.written["a"]) == ({"a"}, 2)


def test_bulk_refuses_one_item_and_keeps_the_others() -> None:
    """The status stands with the item, as the server answers."""
    recorder = Recorder({})
    action = b'{"index": {"_index": "logs", "_id": "%d"}}\n'
    body = b"".join(
        (action % 1, b'{"n": 1}\n', action % 2, b'{"n": "x"}\n', action % 3, b'{"n": 3}\n')
    )

    answer = recorder.bulk(body)

    assert [item["index"]["status"] for item in answer["items"]] == [201, 400, 201]
    assert answer["errors"] is True
    with pytest.raises(ValueError, match="terminated by a newline"):
        recorder.bulk(body[:-1])
    with pytest.raises(ValueError, match="invalid index name"):
        recorder.index("Logs")
