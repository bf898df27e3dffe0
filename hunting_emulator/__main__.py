"""Starts the emulator: `python -m hunting_emulator`, and the command `hunting-emulator`."""

import sys

_LACKING = (
    "hunting-emulator needs its extra ({} is missing): pip install 'tap-m365hunting[emulator]'"
)


def main() -> None:
    """Run the command; where the extra is missing, say in a line how to get the extra."""
    try:
        from hunting_emulator import cli  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(__package__ or ""):
            raise
        sys.exit(_LACKING.format(error.name))
    cli.main()


if __name__ == "__main__":
    main()
