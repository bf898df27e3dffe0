"""Microsoft's parser comes from the npm registry that the machine is set up for."""

import base64
import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hunting_emulator.cli import main
from hunting_emulator.parser.folder import FILES, VARIABLE, VERSION, folder, installed
from hunting_emulator.parser.install import PACKAGE, InstallError, install


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A registry with a package that holds the parser's files by name; its URL and the digest."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name in FILES:
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    place = tmp_path / "registry" / PACKAGE / "-"
    place.mkdir(parents=True)
    file = place / f"language-service-next-{VERSION}.tgz"
    file.write_bytes(made.getvalue())
    handler = functools.partial(Quiet, directory=str(tmp_path / "registry"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        digest = base64.b64encode(hashlib.sha512(made.getvalue()).digest()).decode()
        yield f"http://127.0.0.1:{server.server_port}/", digest
        server.shutdown()
        thread.join()


def test_the_registry_of_the_environment_is_asked(
    tmp_path: Path, registry: tuple[str, str]
) -> None:
    """Without npm, plain Python fetches, checks and unpacks."""
    url, digest = registry

    install(tmp_path / "p", npm=None, environment={"npm_config_registry": url}, sha512=digest)

    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == sorted(FILES)
    assert installed({VARIABLE: str(tmp_path / "p")}) == tmp_path / "p"


@pytest.mark.parametrize("line", ["registry={}", "@kusto:registry = '{}'"])
def test_npms_own_settings_name_the_registry(
    tmp_path: Path, registry: tuple[str, str], line: str
) -> None:
    """A line of .npmrc does, for all packages or for Kusto's."""
    url, digest = registry
    (tmp_path / ".npmrc").write_text(f"# ours\n{line.format(url)}\n")

    install(tmp_path / "p", npm=None, environment={}, folders=(tmp_path,), sha512=digest)

    assert (tmp_path / "p" / FILES[0]).read_text() == FILES[0]


def test_a_package_with_another_digest_is_not_unpacked(
    tmp_path: Path, registry: tuple[str, str]
) -> None:
    """The digest of the true package is in the code."""
    with pytest.raises(InstallError, match="has the digest"):
        install(tmp_path / "p", npm=None, environment={"NPM_CONFIG_REGISTRY": registry[0]})

    assert not (tmp_path / "p").exists()


def test_no_registry_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    """Nothing is asked that the machine was not told of."""
    with pytest.raises(InstallError, match="set NPM_CONFIG_REGISTRY"):
        install(tmp_path, npm=None, environment={}, folders=(tmp_path,))


def test_a_registry_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    """The URL is in the message."""
    with pytest.raises(InstallError, match=r"http://127[.]0[.]0[.]1:9/"):
        install(tmp_path, npm=None, environment={"NPM_CONFIG_REGISTRY": "http://127.0.0.1:9"})


def test_an_npm_that_fails_is_an_error(tmp_path: Path) -> None:
    """Npm's own words are in the message."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n")
    npm.chmod(0o755)

    with pytest.raises(InstallError, match="no such package"):
        install(tmp_path, npm=str(npm))


def test_the_folder_is_the_users(tmp_path: Path) -> None:
    """One place for every program, unless the variable names another."""
    home = folder({}, tmp_path)

    assert home == tmp_path / ".local/share/kusto-language-service" / VERSION
    assert installed({}, tmp_path) is None


def test_the_command_says_where_the_parser_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there already is not fetched again."""
    for name in FILES:
        (tmp_path / name).write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    answer = CliRunner().invoke(main, ["parser", "install"])

    assert (answer.exit_code, str(tmp_path) in answer.output) == (0, True)


def test_the_command_installs_nothing_where_nothing_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty variable means no parser."""
    monkeypatch.setenv(VARIABLE, "")

    answer = CliRunner().invoke(main, ["parser", "install"])

    assert (answer.exit_code, VARIABLE in answer.output) == (1, True)
