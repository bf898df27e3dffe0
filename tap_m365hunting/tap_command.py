"""The command `tap-m365hunting`: runs the tap, with a line for a failure."""

import sys

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.errors import lines_of
from tap_m365hunting.log_records import guard_logs
from tap_m365hunting.output import Terminated
from tap_m365hunting.tap import TapM365Hunting


def main(tap: type[TapM365Hunting] = TapM365Hunting) -> None:
    """Run the command; an error is a line for people, and a traceback at debug level.

    The SDK lets errors of discovery through as tracebacks.
    """
    guard_logs()
    try:
        tap.cli()
    except Terminated as signalled:
        if not signalled.told:
            TapM365Hunting.logger.warning("Interrupted by %s, nothing was read", signalled.signal)
        raise
    except SingerSDKError as error:
        for line in lines_of(error):
            TapM365Hunting.logger.error("%s", line)
        TapM365Hunting.logger.debug("Traceback", exc_info=True)
        sys.exit(1)
