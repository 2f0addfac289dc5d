"""Starting ffmpeg so that it never outlives whoever started it. Free of Django, so that the simulators can use it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

PR_SET_PDEATHSIG = 1
PATIENCE_SECONDS = 1.0


async def start(
    argv: Sequence[str], *, stderr: int = asyncio.subprocess.DEVNULL, env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> asyncio.subprocess.Process:  # fmt: skip
    """A child with stdin and stdout as pipes, killed by the kernel when we die. Raises OSError where it cannot start."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *argv, stdin=pipe, stdout=pipe, stderr=stderr, env=env, pass_fds=pass_fds, start_new_session=True,
        preexec_fn=_dies_with_us(),
    )  # fmt: skip


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends a child: politely, then by force. Safe to repeat."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), PATIENCE_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _dies_with_us() -> Callable[[], None]:
    """As `ocenter.embedded.processes.die_with_parent`, which lies above us. Linux only; elsewhere a pipe that breaks
    ends ffmpeg a little later."""
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return lambda: None
    parent = os.getpid()

    def preexec() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # we died between fork and here
            os._exit(1)

    return preexec
