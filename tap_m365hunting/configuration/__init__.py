"""From the given settings to frozen types."""
