"""What it costs to refuse a hostile CAP document, beside what it costs to read a good one.

    python -m benchmarks.hostile [--rounds 5]

Every hostile document of the tests, in processor time: medians of `--rounds`. Nothing may cost more than a document at
the size limit (1 MiB) would in proportion to its length: about 1,000 times the price of a good one of 1 kB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

from linkage.cap.reading import NotCap, read
from tests.linkage.caps import alert, area, info
from tests.linkage.test_cap_reading import HOSTILE

GOOD_ONES = 200


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    good = alert(info(area(circle="36.3,127.4 3")), info(language="en-US"))
    price = median(_seconds(lambda: [read(good) for _ in range(GOOD_ONES)]) for _ in range(rounds)) / GOOD_ONES
    print(f"a good document of {len(good):,} bytes: {price * 1000:.2f} ms")
    for name, document in HOSTILE.items():
        spent = median(_seconds(lambda document=document: _refuse(document)) for _ in range(rounds))
        print(f"{name} ({len(document):,} bytes): {spent * 1000:.1f} ms, {spent / price:.0f} times")


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _refuse(document: bytes) -> None:
    try:
        read(document)
    except NotCap:
        return
    raise SystemExit("a hostile document was read")


if __name__ == "__main__":
    main()
