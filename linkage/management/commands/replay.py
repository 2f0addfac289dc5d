"""``manage.py replay FILE --speed N``: a recorded feed through the public intake, over HTTP."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from linkage.demofile import demo_document
from linkage.feeds.base import NotADocument
from linkage.replay.recording import Recorded, Recording, read_recording
from linkage.replay.sender import Tally, Undelivered, send_all
from linkage.replay.stage import (
    NoStage,
    audience_of,
    borrowed_key,
    find_municipality,
    municipality_of_key,
    real_agencies,
)

# Without a speed: long enough to watch, short enough to wait for.
DEFAULT_WALL_TIME: Final = timedelta(seconds=30)
SHOWN_AT_MOST: Final = 20
INTERRUPTED: Final = 130


class Command(BaseCommand):
    """Plays a recording. Playing it again changes nothing: the same rows have the same ids."""

    help = "Send a recorded feed (ITS events, 911 calls, our own events as JSON) through the public intake."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to play, how fast, and where."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--speed", type=float, metavar="N",
            help="how much faster than it happened; 0: without pauses; else whatever plays it in half a minute",
        )  # fmt: skip
        parser.add_argument("--municipality", metavar="CODE", help="where to play it; else its own, or the demo's")
        parser.add_argument("--key", help="a feed's key; else one is issued for the time of the replay")
        parser.add_argument("--url", help="where ocenter is; else the running demo's address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with `sent N, accepted N, duplicates N, rejected N` and the rows that were no events.

        Exit status 0 when every whole row was accepted or known already, 1 when the intake rejected one or
        could not be reached, 130 on Ctrl-C. Raises CommandError for a bad FILE or option.
        """
        if options["speed"] is not None and not 0 <= options["speed"] < inf:
            raise CommandError("--speed is a number not below zero.")
        recording = _read(options["file"])
        speed = _speed(recording, options["speed"])
        feed = recording.feed
        self.stdout.write(
            f"{options['file'].name}: {feed.name}, {len(recording.events)} events over {recording.duration}, "
            f"{len(recording.bad)} bad rows; played in {_wall_time(recording, speed)}"
        )
        if not recording.events:
            self._bad_rows(recording)
            raise CommandError("There is nothing to send.")
        url = options["url"] or demo_document().get("base_url") or settings.BASE_URL
        tally = Tally()
        try:
            with self._key(recording, options, _wall_time(recording, speed)) as key:
                status = self._play(recording, url, key, speed, tally)
        except NoStage as error:
            raise CommandError(str(error)) from error
        self._bad_rows(recording)
        self._refusals(recording, tally)
        self.stdout.write(
            f"sent {tally.sent}, accepted {tally.accepted}, duplicates {tally.duplicates}, rejected {tally.rejected}"
        )
        if status or tally.rejected:
            sys.exit(status or 1)

    @contextmanager
    def _key(self, recording: Recording, options: dict[str, Any], lasting: timedelta) -> Iterator[str]:
        if options["key"]:
            _check_key(options["key"], options["municipality"], options["url"])
            with nullcontext(options["key"]) as key:
                yield key
            return
        municipality = find_municipality(recording, options["municipality"])
        self.stdout.write(f"Played in {municipality.code} {municipality.name_ko} as feed {recording.feed.reporter.slug}")
        if audience := audience_of(municipality):
            self.stdout.write(f"To watch it, sign in as {audience.username} with the password {audience.password}")
        with borrowed_key(municipality, recording.feed, lasting) as key:
            yield key

    def _play(self, recording: Recording, url: str, key: str, speed: float, tally: Tally) -> int:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Sending", total=len(recording.events))

            def progress(last: Recorded, count: int) -> None:
                bar.update(task, advance=count, description=f"{last.at:%Y-%m-%d %H:%M}")

            try:
                asyncio.run(
                    send_all(recording.events, base_url=url, key=key, speed=speed, tally=tally, progress=progress)
                )
            except Undelivered as error:
                self.stderr.write(f"Stopped: {error}. Replay it again: what was sent is known and counts once.")
                return 1
            except KeyboardInterrupt:
                self.stderr.write("Stopped. Replay it again: what was sent is known and counts once.")
                return INTERRUPTED
        return 0

    def _bad_rows(self, recording: Recording) -> None:
        for position, why in recording.bad[:SHOWN_AT_MOST]:
            self.stdout.write(f"bad row, {recording.feed.unit} {position}: {why}")
        if len(recording.bad) > SHOWN_AT_MOST:
            self.stdout.write(f"… and {len(recording.bad) - SHOWN_AT_MOST} more bad rows")

    def _refusals(self, recording: Recording, tally: Tally) -> None:
        for position, event_id, why in tally.refusals[:SHOWN_AT_MOST]:
            self.stdout.write(f"rejected, {recording.feed.unit} {position}: {event_id}: {why}")
        if tally.retries:
            self.stdout.write(f"{tally.retries} retries")


def _speed(recording: Recording, wanted: float | None) -> float:
    return max(1.0, recording.duration / DEFAULT_WALL_TIME) if wanted is None else wanted


def _wall_time(recording: Recording, speed: float) -> timedelta:
    return timedelta(seconds=round(recording.duration.total_seconds() / speed)) if speed else timedelta()


def _read(path: Path) -> Recording:
    try:
        return read_recording(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except NotADocument as error:
        raise CommandError(f"{path}: {error}") from error


def _check_key(key: str, code: str | None, url: str | None) -> None:
    """A key given by hand: never one of a municipality with real agencies, nor of another than was named."""
    try:
        municipality = municipality_of_key(key)
    except OperationalError:
        municipality = None
    if municipality is None:
        if not url:
            raise CommandError("The key is not of this installation; say with --url where it belongs.")
        return
    if code and municipality.code != code:
        raise CommandError(f"The key belongs to {municipality.code}, not to {code}.")
    if real := real_agencies(municipality):
        names = ", ".join(one.slug for one in real)
        raise CommandError(f"{municipality.code} has agencies that are not simulated ({names}); a replay must not reach them.")
