"""Kusto's functions unknown to the translator, or wrong there, as macros of DuckDB.

Pure. Each module is a table: the name of a function, the parameters, and the SQL.
"""
