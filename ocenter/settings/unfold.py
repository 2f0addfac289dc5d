"""The admin site's look: its name, colours and where its sidebar comes from (django-unfold)."""

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

UNFOLD = {
    "SITE_TITLE": _("ocenter administration"),
    "SITE_HEADER": _("ocenter administration"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "STYLES": [lambda request: static("css/admin.css")],
    # The blue of the operator's screen, so that both look like one product.
    "COLORS": {
        "primary": {
            "50": "#eef7fc",
            "100": "#d6ebf7",
            "200": "#aed7ef",
            "300": "#7cbde3",
            "400": "#4b9fd3",
            "500": "#2b84bd",
            "600": "#1d6a9c",
            "700": "#19557d",
            "800": "#184766",
            "900": "#173b54",
            "950": "#0f2638",
        },
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "ocenter.admin_site.navigation"},
}
