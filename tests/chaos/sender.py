"""A feed as a process: sends its events in batches and the same batch again until it is answered.

    python -m tests.chaos.sender BASE_URL KEY NAME COUNT

Prints, as JSON, id → [status, incident] and how often it had to send again.
"""

import http.client
import json
import random
import sys
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

BATCH = 25
GIVE_UP_SECONDS = 120


def event(source_id, chance):
    code = chance.choice(["BEL-01", "CRM-04", "TRF-1", "VCA-01", "EMS-01"])
    return {
        "id": source_id, "code": code, "occurred_at": datetime.now(UTC).isoformat(),
        "lat": chance.uniform(36.28, 36.42), "lon": chance.uniform(127.33, 127.47),
    }  # fmt: skip


def post(netloc, key, body):
    """The answer, or None where it is to be sent again."""
    connection = http.client.HTTPConnection(netloc, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/events", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status == 202:
            return json.loads(said)
        assert answer.status in (429, 503), (answer.status, said[:300])
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    return None


def main(base_url, key, name, count):
    chance, answers, again = random.Random(name), {}, 0
    for first in range(0, int(count), BATCH):
        body = json.dumps([event(f"{name}-{n}", chance) for n in range(first, min(first + BATCH, int(count)))])
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while (said := post(urlsplit(base_url).netloc, key, body)) is None:
            assert time.monotonic() < deadline, "gave up"
            again += 1
            time.sleep(0.1)
        for one in said["results"]:
            answers[one["id"]] = [one["status"], one["incident"]]
    json.dump({"answers": answers, "again": again}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
