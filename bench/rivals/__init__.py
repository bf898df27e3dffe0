"""Other ways to read the same answers. Each takes the server's URL and the tables' names."""
