"""Relay by HTTP POST of JSON, signed after Standard Webhooks (DESIGN.md §4)."""

from linkage.transports.http_json.send import open_session, send

__all__ = ["open_session", "send"]
