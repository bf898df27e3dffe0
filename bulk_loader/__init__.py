"""A Singer target into DuckDB, for any tap: DuckDB reads the rows, Python only sorts the lines."""
