"""An earlier revision of the packages under the same tests, for `make security-before`.

The variable names a folder with the revision; `PYTHONPATH` has the folder in front. The commands
of a revision before the quotas took a timer get their time from the module `time`. What an earlier
revision takes of memory is bounded here: some fill all there is.
"""

import os
import resource
import time
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.security.fake_time import FakeTime

FOLDER: Final = "SECURITY_EARLIER"
#: Whether the commands are those of an earlier revision.
ASKED: Final = FOLDER in os.environ
#: Where packages and pages are.
ROOT: Final = Path(os.environ.get(FOLDER, Path(__file__).parents[2]))
MOST_BYTES: Final = 1 << 30


def prepare() -> None:
    """Fake the time and bound the memory, before the package is loaded."""
    if not ASKED:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    fake = FakeTime()
    time.sleep = fake.sleep  # type: ignore[assignment]
    time.time = fake.clock


def main(name: str) -> None:
    """Be a command of the earlier revision, to its end."""
    module = import_module(f"tap_m365hunting.{'cli' if name == 'm365hunting' else 'tap'}")
    module.main()
