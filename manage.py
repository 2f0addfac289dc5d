#!/usr/bin/env python
"""Django's command line for ocenter."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run one management command; the development settings are the default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.dev")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
