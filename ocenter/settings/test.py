"""The test suite: fast hashing, nothing remembered between tests, embedded servers from tests/conftest.py."""

from ocenter.settings.base import *  # noqa: F403
from ocenter.settings.base import MIDDLEWARE

SECRET_KEY = "tests-only-" + "x" * 50
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
MIDDLEWARE = [name for name in MIDDLEWARE if name != "ocenter.middleware.StaticFiles"]
