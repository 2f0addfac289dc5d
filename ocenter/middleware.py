"""Static files under ASGI."""

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

from ocenter.logs import GetResponse


class StaticFiles(WhiteNoiseMiddleware):
    """Whitenoise, passing other requests on without a change of thread, and reading files whole.

    Under ASGI a synchronous file iterator would be consumed whole anyway, with a warning; the largest file
    published is the font, two megabytes.
    """

    # Said to be unable, lest Django choose the synchronous way because the next middleware is synchronous.
    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The file the path names, or what the rest of the chain answers."""
        if not request.path_info.startswith(self.static_prefix):
            return await self.get_response(request)
        found = await sync_to_async(self._file, thread_sensitive=False)(request)
        return found if found is not None else await self.get_response(request)

    def _file(self, request: HttpRequest) -> HttpResponseBase | None:
        path = request.path_info
        file = self.find_file(path) if self.autorefresh else self.files.get(path)
        if file is None:
            return None
        response = self.serve(file, request)
        whole = HttpResponse(b"".join(response.streaming_content), status=response.status_code)
        whole.headers = response.headers
        whole.headers["X-Content-Type-Options"] = "nosniff"  # SecurityMiddleware comes after us
        response.close()
        return whole
