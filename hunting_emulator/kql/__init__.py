"""Kusto's query language: read, rewritten and run as DuckDB's SQL."""
