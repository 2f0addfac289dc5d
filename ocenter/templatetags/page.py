"""What every page needs in its head: icons from the vendor package, and the import map.

Icons are read once per process from the published lucide files and written into the page as
one hidden sprite, so that neither a request nor third-party markup in this repository is needed.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from ocenter.icons import ICONS

register = template.Library()

# `import … from "./x.js"`, `export … from "./x.js"` and `import "./x.js"`, over several lines; not `import("./x.js")`.
_IMPORTED = re.compile(r"""^(?:import|export)\s[^;"'()]*["'](\.[^"']+)["']""", re.MULTILINE)

# Bare module names of published packages. Our own modules import each other by relative address.
VENDOR_MODULES = {"leaflet": "vendor/leaflet/leaflet-src.esm.js"}
# Fetched when first needed, never ahead: the page must not wait for them.
LATE_MODULES = {"hls.js": "vendor/hls.js/hls.light.min.mjs", "hls.js/worker": "vendor/hls.js/hls.worker.js"}


def _icon_source(name: str) -> str:
    """The svg file's text: from the collected files in production, else straight from the package."""
    path = f"vendor/lucide-static/{name}.svg"
    found = finders.find(path)
    if isinstance(found, str):
        return Path(found).read_text(encoding="utf-8")
    if staticfiles_storage.exists(path):
        with staticfiles_storage.open(path) as file:
            return str(file.read(), "utf-8")
    return ""


@cache
def icon_body(name: str) -> str:
    """The drawing inside the icon's `<svg>`; empty where the package is missing (the text remains)."""
    match = re.search(r"<svg[^>]*>(.*)</svg>", _icon_source(name), re.DOTALL)
    return " ".join(match.group(1).split()) if match else ""


@register.simple_tag
def icon_sprite() -> SafeString:
    """One hidden `<svg>` with a `<symbol id="i-NAME">` for each icon of `ICONS`."""
    symbols = "".join(f'<symbol id="i-{name}" viewBox="0 0 24 24">{icon_body(name)}</symbol>' for name in ICONS)
    return mark_safe(f'<svg class="sprite" aria-hidden="true">{symbols}</svg>')


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite. Decorative: the words beside it carry the meaning."""
    return mark_safe(f'<svg class="icon" aria-hidden="true"><use href="#i-{escape(name)}"></use></svg>')


def script_addresses() -> dict[str, str]:
    """Every own module's plain address to its published one (with a hash in production)."""
    folder = Path(settings.BASE_DIR) / "static" / "js"
    names = sorted(path.relative_to(folder.parent).as_posix() for path in folder.rglob("*.js"))
    return {settings.STATIC_URL + name: static(name) for name in names}


@register.simple_tag(takes_context=True)
def import_map(context: template.Context) -> SafeString:
    """The page's import map, carrying the CSP nonce.

    A hashed module's `import "./store.js"` resolves to the unhashed address, which the map
    then turns into the hashed one: modules stay plain files that Node can test.
    """
    imports = {name: static(path) for name, path in (VENDOR_MODULES | LATE_MODULES).items()} | script_addresses()
    text = json.dumps({"imports": imports}).replace("<", "\\u003c")
    nonce = escape(getattr(context["request"], "csp_nonce", ""))
    return mark_safe(f'<script type="importmap" nonce="{nonce}">{text}</script>')


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """The own modules `entry` imports, itself included, as paths under `static/js`. What is imported late is not among them."""
    folder = (Path(settings.BASE_DIR) / "static" / "js").resolve()
    found: dict[Path, None] = {}
    waiting = [Path(f"{folder}/{entry}")]  # a template gives a SafeString, which pathlib cannot join
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = None
            waiting += [(module.parent / name).resolve() for name in _IMPORTED.findall(module.read_text(encoding="utf-8"))]
    return tuple(module.relative_to(folder).as_posix() for module in found)


@register.simple_tag
def module_preloads(entry: str) -> SafeString:
    """`<link rel="modulepreload">` for every module `entry` needs, so that they load side by side, not in a chain."""
    addresses = [static(path) for path in VENDOR_MODULES.values()] + [static(f"js/{name}") for name in modules_of(entry)]
    return mark_safe("".join(f'<link rel="modulepreload" href="{escape(address)}">' for address in addresses))
