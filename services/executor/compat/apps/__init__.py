"""The host application's packages, as plugins import them."""
