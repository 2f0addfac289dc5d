"""JSON for reading on an admin page."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import format_html
from django.utils.safestring import SafeString


def json_block(value: Any) -> SafeString:
    """An indented, escaped block of JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder)
    return format_html('<pre class="oc-json">{}</pre>', text)
