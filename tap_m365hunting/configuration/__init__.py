"""From the settings as they are given to frozen types."""
