"""Reading a query: the asks, the time of each call, and the records."""
