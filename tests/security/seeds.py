"""Leaks that are put in for the purpose, each of which the tests must find by a secret's value.

`python -m tests.security.seeds` copies the project, puts one leak into the copy, runs the tests of
this folder there, and says which of them failed. The tests know nothing of the leaks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PARTS: Final = ("tap_m365hunting", "hunting_emulator", "tests", "pyproject.toml")
#: Those that look for secrets.
TESTS: Final = "no_output or no_log or shows or shown or repeats or any_output"
#: The module, the place in it, and the leak there.
SEEDS: Final = (
    ("service/client.py", "call.token = self._tokens.token()\n",
     'call.token = self._tokens.token(); _LOG.debug("A token: %s", call.token)\n'),
    ("auth/responses.py", 'f"No token for tenant {connection.tenant_id}: {text}"',
     'f"No token for {getattr(connection.credential, \'secret\', connection.tenant_id)}: {text}"'),
    ("log_records.py", 'template = f"{record.msg}" if',
     "template = record.getMessage() if"),
    ("log_records.py", "if isinstance(error, SingerSDKError) else kind", "if kind else kind"),
    ("configuration/file_names.py", "if not fits or _SECRET.search(text):", "if not text:"),
    ("wire/error_responses.py", 'if text.lstrip()[:1] != "<" and _STRUCTURED.search(text):',
     "if not text:"),
    ("sdk_stream.py", "what = type(error).__name__", "what = repr(error)"),
    ("auth/managed_identity.py", "answer = known_members(given)",
     "answer = known_members(given); __import__('logging').getLogger().info('%s', given)"),
    ("http/token_answers.py", 'msg = "an answer that is not JSON"', "msg = repr(body)"),
    ("auth/device_code.py", "        pause = min(max(flow",
     '        _LOG.debug("%s", flow)\n        pause = min(max(flow'),
    ("inputs.py", "shown, twice = shown_name(name)", "shown, twice = name"),
    ("auth/certificates.py", "{shown_name(path)}", "{path}"),
    ("printable.py", "return key if _is_plain(key) else", "return key if key else"),
)  # fmt: skip


def main() -> None:
    """Try them one by one; the status is 1 if one was not found."""
    if found := failures("log_records.py", "import os", "import os"):
        sys.exit(f"{found} fails without any leak")
    missed = 0
    for number, (module, place, leak) in enumerate(SEEDS, 1):
        found = failures(module, place, leak)
        missed += not found
        sys.stdout.write(f"{number}. {module}: {found or 'NOT FOUND'}\n")
        sys.stdout.flush()
    sys.exit(1 if missed else 0)


def failures(module: str, place: str, leak: str) -> str:
    """Return the first test that fails with the leak in."""
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, Path(folder, part))
        file = Path(folder, "tap_m365hunting", module)
        text = file.read_text("utf-8")
        assert place in text, (module, place)
        file.write_text(text.replace(place, leak), "utf-8")
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
             "tests/security", "-k", TESTS],
            cwd=folder, env={**os.environ, "PYTHONPATH": folder},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if line.startswith("FAILED")]
    return lines[0].partition(" - ")[0].removeprefix("FAILED ") if lines else ""


if __name__ == "__main__":
    main()
