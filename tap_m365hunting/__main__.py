"""Runs the tap as `python -m tap_m365hunting`."""

from tap_m365hunting.tap import main

if __name__ == "__main__":
    main()
