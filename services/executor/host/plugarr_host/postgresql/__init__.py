"""Django's PostgreSQL, which says what a foreign database lacks."""
