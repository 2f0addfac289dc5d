"""`make run`: this machine only, convenient, still the real architecture."""

import os

from ocenter import env
from ocenter.embedded.state import development_secret_key, running_urls

# `manage.py shell` and friends find the embedded servers of a running `make run` by themselves.
for _name, _value in running_urls().items():
    if not os.environ.get(_name) and not os.environ.get(f"{_name}_FILE"):
        os.environ[_name] = _value

from ocenter.settings.base import *  # noqa: E402,F403
from ocenter.settings.base import ALLOWED_HOSTS, DATA_DIR, SECRET_KEY  # noqa: E402

DEBUG = env.flag("OCENTER_DEBUG", False)
SECRET_KEY = SECRET_KEY or development_secret_key(DATA_DIR)
ALLOWED_HOSTS = ALLOWED_HOSTS or ["*"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
