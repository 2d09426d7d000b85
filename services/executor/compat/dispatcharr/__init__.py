"""The host application's project: its settings and its Celery app, as plugins name them."""
