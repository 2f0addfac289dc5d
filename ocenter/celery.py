"""The Celery application. Celery only rings the bell: PostgreSQL holds the work (see DESIGN, outbox)."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.dev")

app = Celery("ocenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Sender: Celery's start. Its own logging set-up stands back once somebody listens; Django's is in place."""
