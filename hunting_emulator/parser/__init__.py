"""Microsoft's own KQL parser: its folder, its installation, and its verdicts."""
