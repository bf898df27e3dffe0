"""Messages to people about a run."""
