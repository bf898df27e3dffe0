"""The command `m365hunting coverage`: the proof in `hunting_windows`, and missing time."""
