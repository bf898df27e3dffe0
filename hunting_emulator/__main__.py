"""`python -m hunting_emulator` is the command `hunting-emulator`."""

from hunting_emulator.cli import main

if __name__ == "__main__":
    main()
