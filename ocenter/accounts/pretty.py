"""Values for reading on an admin page: JSON, badges, links."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def json_block(value: Any) -> SafeString:
    """An indented, escaped block of JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder)
    return format_html('<pre class="oc-json">{}</pre>', text)


def badge(colour: str, text: Any) -> SafeString:
    """A coloured word, for where the theme's own label display does not reach (rows below a parent)."""
    return render_to_string("unfold/helpers/label.html", {"type": colour, "text": text})


def link_to(obj: models.Model | None, text: str = "") -> SafeString | str:
    """The way to `obj`'s own admin page; a dash where there is none."""
    if obj is None:
        return "–"
    url = reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])
    return format_html('<a class="oc-link" href="{}">{}</a>', url, text or str(obj))
