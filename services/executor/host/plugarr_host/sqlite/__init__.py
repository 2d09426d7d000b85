"""Django's SQLite, whose transactions are bounded in time."""
