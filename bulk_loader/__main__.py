"""`python -m bulk_loader`."""

import sys

from bulk_loader.cli import main

if __name__ == "__main__":
    sys.exit(main())
