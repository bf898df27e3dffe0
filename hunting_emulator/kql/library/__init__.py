"""Kusto's functions that the translator lacks or has otherwise, as macros of DuckDB.

Pure. Each module is a table: the name of a function, its parameters, and its SQL.
"""
