"""How fast the tap is: measured against other ways to read the same answers, in one run."""
