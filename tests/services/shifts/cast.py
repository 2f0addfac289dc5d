"""Short ways to bring a handover about, and to do things at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from services.shifts import duties, handovers
from tests.incidents.cast import by


def at_once(*calls):
    """Calls them all at the same moment, each on a thread and connection of its own; results or exceptions, in order."""
    gate = Barrier(len(calls))

    def one(call):
        try:
            gate.wait(10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def begin(user, crew="A", **more):
    return duties.duty_begin(by=by(user), crew=crew, **more)[0]


def draft(user):
    return handovers.handover_draft(by=by(user))[0]


def sign(user, handover):
    return handovers.handover_sign(handover_id=handover.pk, by=by(user), version=handover.version)


def countersign(user, handover):
    return handovers.handover_countersign(handover_id=handover.pk, by=by(user), digest=handover.digest)


def send_back(user, handover, reason="카메라 고장이 빠졌음"):
    return handovers.handover_return(handover_id=handover.pk, by=by(user), reason=reason)


def signed(town):
    """kim of crew A hands over; lee of crew A and park of crew B are there."""
    begin(town.kim, "A"), begin(town.lee, "A"), begin(town.park, "B")
    return sign(town.kim, draft(town.kim))
