"""Wheel and source archive, outside the clone: by pip, pipx and uv. Run by `make installs`."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.pipeline.demonstration import ROOT

#: The folder of build, pipx and uv.
TOOLS = os.environ.get("INSTALLERS")
COMMANDS = {"tap-m365hunting", "m365hunting", "hunting-emulator", "target-bulk-duckdb"}
QUERY = {"name": "alerts", "query": "AlertInfo"}

pytestmark = pytest.mark.skipif(TOOLS is None, reason="`make installs` runs it")


def run(*command: str | Path, folder: Path, **variables: str | Path) -> str:
    """Run a command outside the clone; return what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def tool(name: str) -> Path:
    """Return the path of one of the tools."""
    return Path(TOOLS or "") / name


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The source archive of the clone, and the wheel that is built from the archive alone."""
    folder = tmp_path_factory.mktemp("dist")
    run(tool("python"), "-m", "build", "--outdir", folder, ROOT, folder=folder)
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": archive}


def by_pip(package: Path, folder: Path) -> Path:
    """Install into an environment of its own; return the folder of its commands."""
    venv.create(folder / "env", with_pip=True)
    run(folder / "env/bin/pip", "install", "--quiet", package, folder=folder)
    return folder / "env/bin"


def by_pipx(package: Path, folder: Path) -> Path:
    """Install as pipx does, with a home of its own."""
    homes = {"PIPX_HOME": folder / "home", "PIPX_BIN_DIR": folder / "bin"}
    run(tool("pipx"), "install", "--python", sys.executable, package, folder=folder, **homes)
    return folder / "bin"


def by_uv(package: Path, folder: Path) -> Path:
    """Install as uv does, with a home of its own."""
    homes = {"UV_TOOL_DIR": folder / "home", "UV_TOOL_BIN_DIR": folder / "bin"}
    run(tool("uv"), "tool", "install", "--python", sys.executable, package, folder=folder, **homes)
    return folder / "bin"


def test_wheel_has_the_packages_and_nothing_beside(packages: dict[str, Path]) -> None:
    """No tests; the marker of types, the licence, the definitions and the commands."""
    with ZipFile(packages["wheel"]) as wheel:
        names = wheel.namelist()
        (entries,) = [name for name in names if name.endswith("entry_points.txt")]
        declared = wheel.read(entries).decode()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        *("tap_m365hunting", "hunting_emulator", "bulk_loader"),
    }
    assert not [name for name in names if "test" in Path(name).name.lower()]
    assert {f"{top}/py.typed" for top in tops if not top.endswith(".dist-info")} <= set(names)
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert "tap_m365hunting/plugin_definitions/tap-m365hunting.yml" in names
    assert {line.split(" = ")[0] for line in declared.splitlines() if " = " in line} == COMMANDS


@pytest.fixture(params=["wheel", "sdist"])
def package(request: pytest.FixtureRequest, packages: dict[str, Path]) -> Path:
    """One package after the other."""
    return packages[str(request.param)]


@pytest.mark.parametrize("install", [by_pip, by_pipx, by_uv])
def test_package_works_outside_the_clone(
    install: Callable[[Path, Path], Path], package: Path, tmp_path: Path
) -> None:
    """The commands are there, a query is checked, and what needs an extra names it."""
    commands = install(package, tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"queries": [QUERY]}), "utf-8")

    assert {each.name for each in commands.iterdir()} >= COMMANDS
    run(commands / "tap-m365hunting", "--version", folder=tmp_path)
    about = run(commands / "tap-m365hunting", "--about", "--format=json", folder=tmp_path)
    assert json.loads(about)["name"] == "tap-m365hunting"
    check: list[str | Path] = [commands / "m365hunting", "check", "--offline", "--config", config]
    assert "1 query: 1 ok" in run(*check, folder=tmp_path)
    assert "coverage:" in run(commands / "m365hunting", "definition", folder=tmp_path)
    assert list(_lacking(commands, tmp_path)) == ["emulator", "duckdb"]


def _lacking(commands: Path, folder: Path) -> Iterator[str]:
    """Yield the extra that each other command asks for, in a line and without a traceback."""
    for name, extra in (("hunting-emulator", "emulator"), ("target-bulk-duckdb", "duckdb")):
        done = subprocess.run(
            [str(commands / name)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        if f"tap-m365hunting[{extra}]" in done.stderr and len(done.stderr.splitlines()) == 1:
            yield extra
