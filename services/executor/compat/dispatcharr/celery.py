"""The Celery app, as plugins name it."""

from plugarr_host.task_app import make_app

app = make_app()
