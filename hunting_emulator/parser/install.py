"""Brings Microsoft's KQL parser to the machine, from the npm registry configured there.

npm fetches the package where npm is installed; else plain Python does, from the registry named by
npm's own settings. No code of the package is run, and no byte is used unless the digest is equal to
the digest below.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hunting_emulator.parser.folder import FILES, VERSION

PACKAGE: Final = "@kusto/language-service-next"
SHA512: Final = (
    "8Ybwi1DVxnFZ8+mnw38ruXjSGIxA2jwx1HeqjStvMa5kSHzHPtEYm5n7et1fwgn5KDUZJzsSNjuRroiI+j8brA=="
)
"""The digest of the package of `VERSION`, as the registry states it."""

_MOST_BYTES: Final = 50_000_000
_SECONDS: Final = 120


class InstallError(Exception):
    """The parser could not be brought here; the message says why, and the way out."""


def install(
    place: Path,
    *,
    npm: str | None = shutil.which("npm"),
    environment: Mapping[str, str] = os.environ,
    folders: tuple[Path, ...] = (),
    sha512: str = SHA512,
) -> None:
    """Put the parser's files in a folder.

    `folders` are searched for npm's settings (`.npmrc`); the first with a registry wins; the user's
    home is the last.

    Raises:
        InstallError: no registry is set up or answers, or the digest differs.
    """
    if npm is not None:
        package = _packed_by_npm(npm, environment)
    else:
        package = _fetched(_registry(environment, folders or (Path.cwd(), Path.home())))
    found = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != sha512:
        msg = f"The package {PACKAGE} {VERSION} has the digest {found}, not {sha512}"
        raise InstallError(msg)
    _unpack(package, place)


def _packed_by_npm(npm: str, environment: Mapping[str, str]) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts"]
        try:
            subprocess.run(  # noqa: S603 - npm, and a package that is named above
                command,
                cwd=scratch,
                check=True,
                capture_output=True,
                timeout=_SECONDS,
                env=dict(environment),
            )
            return next(Path(scratch).glob("*.tgz")).read_bytes()
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            said = getattr(error, "stderr", None) or b""
            msg = (
                f"npm could not get {PACKAGE} {VERSION}: {error} {said.decode('utf-8', 'replace')}"
            )
            raise InstallError(msg.strip()) from error


def _registry(environment: Mapping[str, str], folders: tuple[Path, ...]) -> str:
    """Return the registry named by npm's settings."""
    folded = {name.lower(): value for name, value in environment.items()}
    named = folded.get("npm_config_registry") or next(filter(None, map(_from_file, folders)), "")
    if not named.startswith(("https://", "http://")):
        msg = (
            "npm is not here, and no npm registry is set up for this machine; set "
            "NPM_CONFIG_REGISTRY to its URL, or a line registry=URL in .npmrc"
        )
        raise InstallError(msg)
    return named.rstrip("/")


def _from_file(folder: Path) -> str:
    try:
        lines = (folder / ".npmrc").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    settings = dict(_setting(line) for line in lines)
    return settings.get("@kusto:registry") or settings.get("registry", "")


def _setting(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip().strip("\"'")


def _fetched(registry: str) -> bytes:
    name = PACKAGE.rpartition("/")[2]
    url = f"{registry}/{PACKAGE}/-/{name}-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - http(s), above
            return bytes(answer.read(_MOST_BYTES))
    except OSError as error:
        msg = f"{url} does not answer: {error}"
        raise InstallError(msg) from error


def _unpack(package: bytes, place: Path) -> None:
    """Take the files out of the package, each whole or not at all."""
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for name in FILES:
            member = archive.extractfile(f"package/{name}")
            if member is None:
                msg = f"The package {PACKAGE} {VERSION} has no file {name}"
                raise InstallError(msg)
            new = place / f".{name}.{os.getpid()}"
            new.write_bytes(member.read())
            new.replace(place / name)
