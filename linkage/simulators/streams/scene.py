"""What a simulated camera sees: a drawn street with traffic, its name, a running clock and the mark 모의영상.

A panorama of `PANORAMA`, of which `crop` shows a part: turning the camera moves and narrows that part.
"""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

from linkage.simulators.config import env
from linkage.video import ffmpeg

SIZE = (640, 360)
PANORAMA = (1280, 480)
FPS = 12
GOP = FPS
"""A key picture a second: whoever joins need not wait."""

ZOOM_AT_MOST = 4.0
DEGREES = (60.0, 20.0)
"""How far a camera turns to either side, and up or down."""

ROOT = Path(__file__).resolve().parents[3]
FONTS = (
    ROOT / "node_modules/pretendard/dist/public/static/Pretendard-SemiBold.otf",
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
    Path("/usr/share/fonts/truetype/nanum/NanumGothicBold.ttf"),
)
LATIN_FONTS = (Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),)
MARK, LATIN_MARK = "모의영상", "SIMULATED"
CARS = ("0xb94a3c", "0xd9d9d4", "0x2f5d8a", "0x8f8f96", "0xc8a13a")
WALLS = ("0x4a4038", "0x39474f", "0x54463f", "0x3f4a3d", "0x4b4b55")
SKY, ROAD, LINE, PAVEMENT, LIT, DARK = "0x1d2a38", "0x34383f", "0xcfcaa8", "0x565a60", "0xe8d28a", "0x222c33"


def command(name: str, number: int) -> list[str]:
    """The ffmpeg that draws and encodes camera ``number`` of that ``name``: H.264 to stdout, commands on stdin."""
    return [
        ffmpeg.executable(env("OCENTER_FFMPEG", "")), "-hide_banner", "-loglevel", "error", "-nostats", "-filter_complex_threads", "1",
        "-filter_complex", graph(name, number), "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
        "-threads", "1", "-g", str(GOP), "-keyint_min", str(GOP), "-sc_threshold", "0", "-b:v", "300k",
        "-maxrate", "500k", "-bufsize", "500k", "-x264-params", "aud=1", "-f", "h264", "pipe:1",
    ]  # fmt: skip


def graph(name: str, number: int) -> str:
    """The filter graph: the panorama drawn once and repeated, cars over it, a part cut out, text over that."""
    dice = random.Random(number)
    still = ",".join(_street(dice))
    cars = [_Car(dice, lane) for lane in range(4)]
    sources = ";".join(f"color=c={car.colour}:s={car.size}:r={FPS}[c{at}]" for at, car in enumerate(cars))
    traffic = ";".join(f"[s{at}][c{at}]overlay=x='{car.x}':y={car.y}[s{at + 1}]" for at, car in enumerate(cars))
    width, height = SIZE
    x, y, w, h = window(0, 0, 0)
    return (
        f"color=c={SKY}:s={PANORAMA[0]}x{PANORAMA[1]}:r={FPS},{still},format=yuv420p,loop=-1:1:0,setpts=N/{FPS}/TB[s0];"
        f"{sources};{traffic};"
        f"[s{len(cars)}]crop=w={w}:h={h}:x={x}:y={y},scale={width}:{height}:flags=fast_bilinear"
        f"{_texts(name)},realtime"
    )


def window(pan: float, tilt: float, zoom: float) -> tuple[int, int, int, int]:
    """The part of the panorama seen: x, y, width, height. ``pan`` and ``tilt`` in degrees, ``zoom`` 0 (wide) to 90."""
    factor = 1 + (ZOOM_AT_MOST - 1) * min(max(zoom, 0.0), 90.0) / 90.0
    width, height = (int(side / factor) & ~1 for side in SIZE)
    x = _placed(pan / DEGREES[0], PANORAMA[0] - width)
    y = _placed(-tilt / DEGREES[1], PANORAMA[1] - height)
    return x, y, width, height


def _placed(share: float, room: int) -> int:
    return int(room * (0.5 + 0.5 * min(max(share, -1.0), 1.0))) & ~1


class _Car:
    """One that drives along a lane for ever, at a pace and in a colour of its own."""

    def __init__(self, dice: random.Random, lane: int) -> None:
        self.colour = dice.choice(CARS)
        long = 2 * dice.randint(22, 38)
        self.size, self.y = f"{long}x{22 + 3 * lane}", 318 + 26 * lane
        pace, begun, way = dice.randint(50, 150), dice.randint(0, 1400), PANORAMA[0] + 2 * long
        gone = f"mod(t*{pace}+{begun},{way})"
        self.x = f"{gone}-{long}" if lane < 2 else f"{PANORAMA[0]}-{gone}+{long // 2}"


def _street(dice: random.Random) -> list[str]:
    boxes, x = [], -dice.randint(0, 80)
    while x < PANORAMA[0]:
        wide, tall = dice.randint(90, 220), dice.randint(80, 220)
        boxes.append(_box(x, 300 - tall, wide, tall, dice.choice(WALLS)))
        for top in range(300 - tall + 14, 270, 34):
            boxes += [
                _box(left, top, 14, 18, dice.choice((LIT, DARK, DARK))) for left in range(x + 12, x + wide - 20, 30)
            ]
        x += wide + dice.randint(4, 40)
    road = [
        _box(0, 300, PANORAMA[0], 12, PAVEMENT),
        _box(0, 312, PANORAMA[0], 118, ROAD),
        _box(0, 430, PANORAMA[0], 50, PAVEMENT),
    ]
    dashes = [_box(left, 368, 40, 4, LINE) for left in range(0, PANORAMA[0], 80)]
    return [one for one in (*boxes, *road, *dashes) if one]


def _box(x: int, y: int, w: int, h: int, colour: str) -> str:
    left, right = max(x, 0), min(x + w, PANORAMA[0])
    return f"drawbox={left}:{y}:{right - left}:{h}:{colour}:fill" if right > left else ""


def _texts(name: str) -> str:
    font, mark = _font()
    if font is None:
        return ""
    shown = name if mark == MARK else name.encode("ascii", "ignore").decode().strip() or "camera"
    style = f"drawtext=fontfile='{font}':fontcolor=white:box=1:boxcolor=black@0.55:boxborderw=5"
    return (
        f",{style}:expansion=none:text='{_plain(shown)}':x=12:y=12:fontsize=19"
        # The date the machine has, in Korean time (TZ is set where it is started); %T keeps its colons to itself.
        f",{style}:text='%{{localtime\\:%F %T}}':x=w-tw-12:y=12:fontsize=19"
        f",{style}:expansion=none:text='{mark}':x=12:y=h-th-12:fontsize=22:fontcolor=yellow"
    )


def _plain(text: str) -> str:
    """Text without what a filter graph takes for its own."""
    return "".join(one if one.isalnum() or one in " -_()#." else " " for one in text)[:40]


@lru_cache(maxsize=1)
def _font() -> tuple[Path | None, str]:
    """A font file and the mark it can write; a machine without Korean letters says it in Latin ones."""
    for fonts, mark in ((FONTS, MARK), (LATIN_FONTS, LATIN_MARK)):
        for font in fonts:
            if font.is_file():
                return font, mark
    return None, LATIN_MARK
