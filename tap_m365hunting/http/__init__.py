"""How a host is reached, and why not: sessions with deadlines."""
