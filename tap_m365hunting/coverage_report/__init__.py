"""The command `m365hunting coverage`: what `hunting_windows` proves, and where time is missing."""
