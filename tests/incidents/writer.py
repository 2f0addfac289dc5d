"""What a process does that writes: one of several that race in tests. See `processes.Writer`, which forks them."""

import asyncio
import os
import random
import traceback

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocenter.settings.test")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from incidents import escalation, handover, intake, operations, regrouping  # noqa: E402
from incidents.intake_queue import IntakeQueue  # noqa: E402
from incidents.models import Event, Incident  # noqa: E402
from incidents.operations import Invalid, NotAllowedNow  # noqa: E402
from incidents.places import place_of  # noqa: E402
from incidents.relaying import compose  # noqa: E402
from incidents.reports import understand  # noqa: E402
from linkage.models import LinkedSystem  # noqa: E402
from ocenter.accounts.models import User  # noqa: E402
from ocenter.accounts.principal import principal_of_user  # noqa: E402


def arrivals_of(system, raws):
    now = timezone.now()
    return [intake.Arrival(system, understand(raw, now)) for raw in raws]


def receive(talk, system, batches):
    """Puts every batch through the process's queue at once; one list of (incident, duplicate) a batch."""
    feed = LinkedSystem.objects.select_related("municipality").get(pk=system)

    async def submit_all():
        queue = IntakeQueue()
        try:
            return await asyncio.gather(*(queue.submit(arrivals_of(feed, batch)) for batch in batches))
        finally:
            await queue._database.run(lambda: connection.close())

    return [[tuple(receipt) for receipt in batch] for batch in asyncio.run(submit_all())]


def drip(talk, system, batches):
    """One batch after another, each in a transaction of its own: long enough to be killed in the middle."""
    feed = LinkedSystem.objects.select_related("municipality").get(pk=system)
    return [
        [tuple(one) for one in intake.events_receive(municipality=feed.municipality, arrivals=arrivals_of(feed, batch))]
        for batch in batches
    ]


def hold(talk, system, batch):
    """Writes a batch, says so, and commits only when told to."""
    feed = LinkedSystem.objects.select_related("municipality").get(pk=system)
    with transaction.atomic():
        intake.events_receive(municipality=feed.municipality, arrivals=arrivals_of(feed, batch))
        talk.send("held")
        talk.recv()
    return "committed"


def acknowledge(talk, username, numbers):
    """(status or None, number of the holder) an incident."""
    caller = principal_of_user(User.objects.get(username=username))
    outcomes = []
    for number in numbers:
        try:
            operations.incident_acknowledge(number=number, by=caller)
            outcomes.append("taken")
        except NotAllowedNow as refusal:
            outcomes.append([refusal.incident.status, refusal.incident.holder.username])
    return outcomes


def regroup(talk, username, deeds):
    """Deeds in order, each (operation, arguments): the number of the incident answered, or the refusal's words."""
    caller = principal_of_user(User.objects.get(username=username))
    outcomes = []
    for name, arguments in deeds:
        try:
            outcomes.append(getattr(regrouping, f"incident_{name}")(by=caller, **arguments).incident["number"])
        except (NotAllowedNow, Invalid) as refusal:
            outcomes.append(str(refusal))
    return outcomes


def relay_anew(talk, username, numbers):
    """Asks 112 for a new case of each; the relays' states afterwards, oldest first."""
    caller, states = principal_of_user(User.objects.get(username=username)), []
    for number in numbers:
        incident = Incident.objects.get(number=number)
        agency = LinkedSystem.objects.get(municipality_id=incident.municipality_id, slug="police112")
        done = operations.incident_relay(number=number, by=caller, request=compose(incident, agency), anew=True)
        states.append([one["state"] for one in done.incident["relays"]])
    return states


def escalate(talk, rounds):
    """What the sweeper does, several times; the number of steps made."""
    return sum(escalation.incidents_escalate() for _ in range(rounds))


def answer(talk, username, number, word):
    """Accepts or declines an offer; whether it was still there to be answered."""
    caller = principal_of_user(User.objects.get(username=username))
    try:
        {"accept": handover.incident_accept, "decline": handover.incident_decline}[word](number=number, by=caller)
    except NotAllowedNow:
        return False
    return True


def operate(talk, username, seed, count):
    """`count` actions drawn at random on incidents drawn at random; how many were done and how many refused."""
    caller, rng = principal_of_user(User.objects.get(username=username)), random.Random(seed)
    done = refused = 0
    while done + refused < count:
        numbers = list(Incident.objects.filter(municipality=caller.user.municipality).values_list("number", flat=True))
        if not numbers:
            continue
        try:
            rng.choice(ACTIONS)(caller, rng, rng.choice(numbers), numbers)
            done += 1
        except (NotAllowedNow, Invalid):
            refused += 1
    return {"done": done, "refused": refused}


def relay(caller, rng, number, numbers):
    incident = Incident.objects.get(number=number)
    agency = LinkedSystem.objects.get(municipality_id=incident.municipality_id, slug=rng.choice(["police112", "fire119"]))
    operations.incident_relay(number=number, by=caller, request=compose(incident, agency), anew=rng.random() < 0.3)


def split(caller, rng, number, numbers):
    events = list(Event.objects.filter(incident__number=number).values_list("source_id", flat=True)[:1])
    regrouping.incident_split(number=number, by=caller, events=events)


ACTIONS = [
    lambda by, rng, n, _: operations.incident_acknowledge(number=n, by=by),
    lambda by, rng, n, _: operations.incident_verify(number=n, by=by),
    lambda by, rng, n, _: operations.incident_confirm(number=n, by=by),
    lambda by, rng, n, _: operations.incident_note(number=n, by=by, text="…"),
    lambda by, rng, n, _: operations.incident_false_alarm(number=n, by=by, reason="FA-01"),
    lambda by, rng, n, _: operations.incident_reopen(number=n, by=by, reason="no"),
    lambda by, rng, n, _: operations.incident_close(
        number=n, by=by, result_code="RC-01", note="over", override=rng.random() < 0.5
    ),
    lambda by, rng, n, others: regrouping.incident_merge(number=n, by=by, into=rng.choice(others)),
    lambda by, rng, n, _: regrouping.incident_unmerge(number=n, by=by),
    lambda by, rng, n, _: regrouping.incident_unsplit(number=n, by=by),
    relay,
    split,
]

COMMANDS = {
    one.__name__: one
    for one in (receive, drip, hold, acknowledge, regroup, relay_anew, escalate, answer, operate)
}


def serve(talk):
    """Does what it is told until the line ends."""
    while True:
        try:
            command, arguments = talk.recv()
        except EOFError:
            return
        try:
            talk.send({"result": COMMANDS[command](talk, **arguments)})
        except Exception:
            talk.send({"error": traceback.format_exc()})
        finally:
            connection.close()


place_of(36.35, 127.38)  # its tables are loaded once, before anybody forks
