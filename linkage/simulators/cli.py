"""The options of ``simulate city|agencies``, and what they start."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from linkage.simulators import agency, city, sources, vms
from linkage.simulators.config import data_dir, env, installation_file
from linkage.simulators.office import Manner

# Together they stay below the ten alarms in ten minutes that are a flood for one operator (EEMUA 191).
EVENTS_PER_MINUTE = "0.5"
CASES_PER_MINUTE = "0.1"
"""Of each city's agencies together: one case every ten minutes, as long as the city is not silent."""

VMS_EVENTS_PER_MINUTE = "0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two simulators and their options to ``parser``."""
    kinds = parser.add_subparsers(dest="simulator", required=True)
    _add_agencies(kinds.add_parser("agencies", help="112, 119, the disaster room, justice and the others, over HTTP"))
    _add_city(kinds.add_parser("city", help="a city that reports what happens in it"))


def _add_agencies(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=env("OCENTER_AGENCIES_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(env("OCENTER_AGENCIES_PORT", "8100")))
    parser.add_argument(
        "--speed",
        type=float,
        default=float(env("OCENTER_AGENCIES_SPEED", "1")),
        help="1 is the demo's pace, 20 suits tests",
    )
    silent = float(env("OCENTER_CITY_RATE", EVENTS_PER_MINUTE)) == 0  # a city in which nothing happens has no callers either
    parser.add_argument(
        "--cases-per-minute",
        type=float,
        default=float(env("OCENTER_AGENCIES_CASES", "0" if silent else CASES_PER_MINUTE)),
        help="cases the agencies open themselves, all together; 0: none",
    )
    parser.add_argument(
        "--vms-rate",
        type=float,
        default=float(env("OCENTER_VMS_RATE", "0" if silent else VMS_EVENTS_PER_MINUTE)),
        help="analytics events a minute that the video system reports; 0: none",
    )
    parser.add_argument(
        "--sources-rate",
        type=float,
        default=float(env("OCENTER_SOURCES_RATE", "0" if silent else "1")),
        help="how much goes on in what the polled sources tell of; 0: nothing",
    )
    parser.add_argument(
        "--rtsp-port",
        type=int,
        default=int(env("OCENTER_RTSP_PORT", "0")) or None,
        help="where the simulated cameras are to be seen (default: 8554, or any free port where that is taken)",
    )
    parser.add_argument("--passive", action="store_true", help="give receipts and do nothing else")
    parser.add_argument("--data-dir", type=Path, default=data_dir())


def _add_city(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rate",
        type=float,
        default=float(env("OCENTER_CITY_RATE", EVENTS_PER_MINUTE)),
        help="events a minute on average; 0 is silent but alive",
    )
    parser.add_argument("--seed", type=int, help="same seed, run and hour: the same story (default: the demo's)")
    parser.add_argument("--run", type=int, help="which telling of the seed's story (default: the next one)")
    parser.add_argument("--hour", type=int, choices=range(24), help="hour the story starts (default: now)")
    parser.add_argument("--duration", type=float, help="stop after this many seconds, everything answered")
    parser.add_argument("--burst", type=int, default=0, help="this many events at once, first of all")
    parser.add_argument("--base-url", help="default: the one in simulators.json")
    parser.add_argument("--data-dir", type=Path, default=data_dir())


def run(options: argparse.Namespace | dict[str, object]) -> int:
    """Run the chosen simulator until it is stopped; the exit status."""
    chosen = argparse.Namespace(**options) if isinstance(options, dict) else options
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    directory = Path(chosen.data_dir)
    if chosen.simulator == "agencies":
        app = agency.application(
            directory / "agencies",
            installation_file(directory),
            Manner(
                speed=chosen.speed,
                passive=chosen.passive,
                cases_per_minute=chosen.cases_per_minute,
                own_url=f"http://{chosen.host}:{chosen.port}",
            ),
        )
        installation = installation_file(directory)
        vms.add_routes(app, installation, rate=chosen.vms_rate, rtsp_port=chosen.rtsp_port)
        sources.add_routes(app, seed=lambda: installation.current().seed, rate=chosen.sources_rate)
        agency.serve(app, host=chosen.host, port=chosen.port)
        return 0
    return city.run(
        city.Options(
            directory=directory,
            rate=chosen.rate,
            seed=chosen.seed,
            run=chosen.run,
            hour=chosen.hour,
            duration_s=chosen.duration,
            burst=chosen.burst,
            base_url=chosen.base_url,
        )
    )
