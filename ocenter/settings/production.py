"""Production: behind a TLS-terminating proxy, everything secret from the environment, nothing guessed."""

from ocenter import env
from ocenter.logs import logging_settings
from ocenter.settings.base import *  # noqa: F403
from ocenter.settings.base import LOG_LEVEL

PRODUCTION = True
LOG_FORMAT = env.choice("OCENTER_LOG_FORMAT", "json", ("console", "json"))

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.flag("OCENTER_HTTPS_ONLY", True)
# Liveness probes come from inside, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.number("OCENTER_HSTS_SECONDS", 31_536_000, at_least=0) if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_SSL_REDIRECT
# W021 asks for the browsers' preload list: a promise for a whole domain, which is not ours to make.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT)
