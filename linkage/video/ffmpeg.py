"""Which ffmpeg is run. Free of Django, so that the simulators can ask too."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg


class NoFfmpeg(RuntimeError):
    """There is no ffmpeg to run; the text says what was looked for."""


@lru_cache(maxsize=2)
def executable(chosen: str = "") -> str:
    """The path of ffmpeg: `chosen` (`OCENTER_FFMPEG`), else the one of the `imageio-ffmpeg` wheel. Raises NoFfmpeg."""
    if chosen:
        if not Path(chosen).is_file():
            raise NoFfmpeg(f"OCENTER_FFMPEG is {chosen}, which is no file.")
        return chosen
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise NoFfmpeg(f"No ffmpeg: {error}") from error
