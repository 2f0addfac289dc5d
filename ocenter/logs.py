"""Structured logs: one event a line, JSON in production, readable on a terminal.

What belongs to one request or one piece of work is bound once through structlog's context variables
(`request_id` here; incident and delivery ids where they are known, with `bind`) and appears on every line after.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
# What a proxy may hand us; anything else could forge log lines, so it is replaced.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SLOW_REQUEST_SECONDS = 1.0

SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=False),
    structlog.processors.StackInfoRenderer(),
]

GetResponse = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]


def logging_settings(level: str, style: str) -> dict[str, Any]:
    """Django's LOGGING: everything, ours and the libraries', in one shape on standard error.

    `style` is "json" or "console". Also configures structlog, which is safe to repeat.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(style)],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These bring handlers of their own; theirs go, ours write.
            **{name: {"handlers": [], "propagate": True} for name in ("django", "uvicorn", "uvicorn.error", "celery")},
            # uvicorn's --no-access-log is undone by any logging configuration that comes later.
            "uvicorn.access": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
            "axes": {"level": "WARNING"},
        },
    }


def _renderers(style: str) -> list[Any]:
    if style == "json":
        return [
            # Without local variables: they hold keys and personal data.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    # Plain tracebacks: the pretty ones print local variables, and with them keys and personal data.
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """Put ids (incident, delivery, …) on every log line inside the block."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


class RequestIdMiddleware:
    """Gives each request an id, binds it to the logs, echoes it as X-Request-ID, and reports slow requests.

    Works under both synchronous and asynchronous handlers, so that it never costs a thread.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Serve the request under its id."""
        if self._asynchronous:
            return self._serve_async(request)
        with _identified(request) as finish:
            return finish(self.get_response(request))

    async def _serve_async(self, request: HttpRequest) -> HttpResponse:
        with _identified(request) as finish:
            return finish(await self.get_response(request))


@contextmanager
def _identified(request: HttpRequest) -> Iterator[Callable[[HttpResponse], HttpResponse]]:
    request_id = _request_id(request)
    started = time.perf_counter()

    def finish(response: HttpResponse) -> HttpResponse:
        response[REQUEST_ID_HEADER] = request_id
        seconds = time.perf_counter() - started
        report = log.warning if seconds > SLOW_REQUEST_SECONDS or response.status_code >= 500 else log.debug
        milliseconds = round(seconds * 1000, 1)
        report("request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds)
        return response

    with bind(request_id=request_id):
        yield finish


def _request_id(request: HttpRequest) -> str:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if ACCEPTED_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
