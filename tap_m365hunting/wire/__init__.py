"""From the bytes of an answer to the records of a stream. Pure but for reading the body."""
