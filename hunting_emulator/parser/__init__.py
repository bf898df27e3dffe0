"""Microsoft's own KQL parser: where it lies, how it comes there, and what it says of a text."""
