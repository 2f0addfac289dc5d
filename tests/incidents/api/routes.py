"""The REST's URL map as tests walk it: whatever an app adds is walked too."""

import re
from typing import NamedTuple

from django.urls import get_resolver

PREFIX = "api/v1/"
# Doors without a class: they take a machine's POST and nothing else.
DOORS = {"events", "feeds"}


class Route(NamedTuple):
    """One address: `path` with Django's placeholders, and the methods its view answers."""

    name: str
    path: str
    methods: frozenset[str]

    @property
    def described(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"<\w+:(\w+)>", r"{\1}", self.path).replace("feeds/{name}", "feeds/{format}")


def routes() -> list[Route]:
    """Everything under /api/v1/ that has a name."""
    found = []
    for included in get_resolver().url_patterns:
        if str(included.pattern) == PREFIX:
            found += [_route(one) for one in included.url_patterns]
    return found


def _route(pattern) -> Route:
    view = getattr(pattern.callback, "view_class", None)
    methods = {"post"} if pattern.name in DOORS else {one for one in ("get", "post", "put", "delete") if hasattr(view, one)}
    return Route(pattern.name, "/" + PREFIX + str(pattern.pattern), frozenset(methods))


ROUTES = routes()
ENDPOINTS = [(one.name, one.path) for one in ROUTES]
POST_ONLY = {one.name for one in ROUTES if one.methods == {"post"}}
