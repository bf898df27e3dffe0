"""How a query is read: what to ask, when the calls are made, what comes out."""
