"""What every environment shares. Values come from the environment through `ocenter.env`; see docs/operations.md."""

from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from ocenter import env
from ocenter.basemaps import choice_or_builtin as basemap_choice
from ocenter.build import build_of
from ocenter.embedded.urls import database_settings
from ocenter.logs import logging_settings
from ocenter.settings.unfold import UNFOLD  # noqa: F401 (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env.folder("OCENTER_DATA_DIR", BASE_DIR / "var")

PORT = env.number("OCENTER_PORT", 8000, at_least=1, at_most=65535)
AGENCIES_PORT = env.number("OCENTER_AGENCIES_PORT", 8100, at_least=1, at_most=65535)
HOST = env.text("OCENTER_HOST", "127.0.0.1")
WEB_PROCESSES = env.number("OCENTER_WEB_PROCESSES", 2, at_least=1, at_most=64)
DEMO = env.flag("OCENTER_DEMO", False)
# Named in every page and tick: a page that was made by another build says that there is a new version.
BUILD = env.word("OCENTER_BUILD") or build_of(BASE_DIR)

SECRET_KEY = env.text("OCENTER_SECRET_KEY")
DEBUG = False
PRODUCTION = False
ALLOWED_HOSTS = env.words("OCENTER_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.words("OCENTER_TRUSTED_ORIGINS")
BASE_URL = env.text("OCENTER_BASE_URL", f"http://127.0.0.1:{PORT}")

INSTALLED_APPS = [
    "unfold",
    # Not the default admin: its autodiscover imports leaflet.admin, which needs GDAL.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "leaflet",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "ocenter.apps.OcenterConfig",
    "ocenter.accounts",
    "linkage",
    "incidents",
    "services",
    "services.shifts",
]

MIDDLEWARE = [
    "ocenter.logs.RequestIdMiddleware",
    "ocenter.middleware.StaticFiles",
    "django.middleware.security.SecurityMiddleware",
    "ocenter.security.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ocenter.urls"
ASGI_APPLICATION = "ocenter.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

DATABASE_URL = env.text("OCENTER_DATABASE_URL")
# Under ASGI, persistent connections leak; a pooler belongs outside. Hence age 0.
DATABASES = {"default": database_settings(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("OCENTER_REDIS_URL", "redis://127.0.0.1:6379/0")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A dead broker must cost the publisher little: the sweeper finds what was not announced.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 10}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "Asia/Seoul"
# A heartbeat that went through beat, broker and worker: the health page believes no other. Late ones are worth nothing.
CELERY_BEAT_SCHEDULE = {
    "worker-alive": {"task": "linkage.worker_alive", "schedule": 10.0, "options": {"expires": 10}},
    "prune-quarantine": {"task": "linkage.prune_quarantine", "schedule": 86_400.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "ocenter.accounts.session.CurrentUserBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = env.number("OCENTER_SESSION_SECONDS", 12 * 3600, at_least=60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

AXES_FAILURE_LIMIT = env.number("OCENTER_LOGIN_FAILURES", 10, at_least=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "ocenter" / "locale"]
FORMAT_MODULE_PATH = ["ocenter.formats"]
TIME_ZONE = "Asia/Seoul"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.folder("OCENTER_STATIC_ROOT", BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "ocenter.staticfiles.NpmFinder",
]

# Where the media gateway is, for itself and for those who ask it: unix:PATH or http://HOST:PORT of an inside network.
VIDEO_ADDRESS = env.text("OCENTER_VIDEO_ADDRESS", f"unix:{DATA_DIR / 'video.sock'}")
VIDEO_STREAMS = env.number("OCENTER_VIDEO_STREAMS", 32, at_least=1, at_most=1000)
VIDEO_LINGER_SECONDS = env.number("OCENTER_VIDEO_LINGER_SECONDS", 30, at_least=0, at_most=3600)
VIDEO_STARTS_PER_SECOND = env.number("OCENTER_VIDEO_STARTS_PER_SECOND", 4, at_least=1, at_most=100)
FFMPEG = env.text("OCENTER_FFMPEG")

# A flood is more than ten new alarms in this time for each operator on duty (EEMUA 191: ten minutes).
FLOOD_WINDOW_SECONDS = env.number("OCENTER_FLOOD_WINDOW_SECONDS", 600, at_least=1, at_most=3600)

BASEMAP = env.text("OCENTER_BASEMAP", "builtin")
BASEMAP_ATTRIBUTION = env.text("OCENTER_BASEMAP_ATTRIBUTION")
# A system check says what is wrong with it; until then nothing is opened for it.
BASEMAP_KIND, BASEMAP_SOURCE, BASEMAP_ORIGIN = basemap_choice(BASEMAP)
# The operator's map begins here (`incidents.views`); it zooms to its own municipality at once.
LEAFLET_CONFIG = {"TILES": [], "MIN_ZOOM": 9, "MAX_ZOOM": 18, "DEFAULT_CENTER": (36.35, 127.38), "DEFAULT_ZOOM": 11}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # The key first: its challenge is what a 401 names.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "incidents.api.authentication.KeyAuthentication",
        "incidents.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["incidents.api.authentication.IsCaller"],
    "EXCEPTION_HANDLER": "incidents.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ocenter",
    "DESCRIPTION": "Integrated operations centre: events in, incidents and their ledger out.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["incidents.api.schema.complete", "services.shifts.schema.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# No request leaves the origin: closed networks, and nothing to leak.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:", *filter(None, [BASEMAP_ORIGIN])],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF, "blob:"],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024 + 1024

LOG_LEVEL = env.choice("OCENTER_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("OCENTER_LOG_FORMAT", "console", ("console", "json"))
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT)
