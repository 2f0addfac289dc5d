"""The Django project: settings, entry points and the supervisor."""

from ocenter.celery import app as celery_app

__all__ = ["celery_app"]
