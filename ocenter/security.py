"""The Content-Security-Policy, with the one exception the admin needs."""

from csp.constants import UNSAFE_EVAL
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ADMIN_PREFIX = "/admin/"


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's middleware; the admin alone may evaluate, for its theme is built on Alpine.js."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header to every response."""
        if request.path.startswith(ADMIN_PREFIX):
            response._csp_update = {"script-src": [UNSAFE_EVAL]}
        return super().process_response(request, response)
