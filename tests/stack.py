"""The real stack for tests from outside: every process of `make run`, on free ports, in a directory of its own."""

from ocenter.soak.installation import ROOT, Installation

__all__ = ["ROOT", "Stack"]


class Stack(Installation):
    """Starts `manage.py up` with the demo city; see `live_stack` in conftest.py for the usual way to get one.

    What it can do is written at `Installation`, which `manage.py soak` uses too.
    """
