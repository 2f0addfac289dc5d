"""The Celery application. Celery only rings the bell: PostgreSQL holds the work (see DESIGN, outbox)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.dev")

app = Celery("ocenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
