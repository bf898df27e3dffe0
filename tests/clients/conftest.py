"""The programs of the clients run in environments of their own, and are no tests."""

collect_ignore = ["programs"]
