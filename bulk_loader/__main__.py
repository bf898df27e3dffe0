"""Starts the loader: `python -m bulk_loader`, and the command `target-bulk-duckdb`."""

import sys

_LACKING = (
    "target-bulk-duckdb needs its extra ({} is missing): pip install 'tap-m365hunting[duckdb]'"
)


def main() -> int:
    """Run the command; where the extra is missing, say in a line how to get the extra."""
    try:
        from bulk_loader import cli  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(__package__ or ""):
            raise
        sys.exit(_LACKING.format(error.name))
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
