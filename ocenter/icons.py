"""The lucide icons the pages use, by name; `ocenter.staticfiles` publishes exactly these."""

from typing import Final

ICONS: Final = (
    "activity", "alarm-clock", "archive", "arrow-right", "arrow-up", "ban", "bell-ring", "building-2", "camera",
    "cctv", "check", "chevron-down", "chevron-right", "circle-alert", "circle-check", "circle-help", "clock", "copy", "crosshair",
    "eye", "file-text", "flame", "hand", "history", "inbox", "keyboard", "languages", "layers", "lock", "log-out", "map-pin",
    "maximize", "merge", "message-square", "split", "phone-incoming", "minus", "moon", "move", "notebook-pen", "phone", "phone-call", "play", "plus", "radio",
    "radio-tower", "refresh-cw", "rotate-ccw", "search", "send", "shield", "siren", "sun", "timer", "triangle-alert",
    "undo-2", "user", "user-check", "video", "volume-2", "volume-x", "wifi-off", "x", "test-tube", "truck", "navigation", "list-filter",
    "contrast", "external-link", "printer",
    "sliders-horizontal", "house", "settings", "circle-x", "arrow-down", "arrow-left", "zoom-in", "zoom-out", "video-off", "layout-grid",
    "ruler", "circle-dot", "pentagon", "map-pin-off", "picture-in-picture-2", "repeat", "save", "printer", "clipboard-list",
    "megaphone", "signature", "log-in", "chevrons-up", "users", "waves", "gauge", "circle", "circle-slash",
    "list-checks", "skip-forward",
)  # fmt: skip
