"""The cast of the incident tests: two towns with people, feeds and agencies, and short ways to make things happen."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from incidents import intake, ledger
from incidents.codes import Family
from incidents.models import Change, Incident
from incidents.reports import understand
from linkage import relays
from linkage.access import principal_of_system
from linkage.models import LinkedSystem, SystemKey
from linkage.relays import AgencyReport
from ocenter.accounts.keys import make_key
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.principal import Principal, principal_of_user
from services.procedures.models import Procedure
from tests.accounts.cast import make_system, make_user

LAT, LON = 36.3504, 127.3845  # Daejeon city hall
METRE = 1 / 111_195  # degrees of latitude

_ids = itertools.count(1)


@dataclass
class Town:
    """One municipality with its people by name, its two feeds, its three agencies."""

    municipality: Municipality
    kim: User  # operator
    lee: User  # operator
    park: User  # supervisor
    admin: User
    auditor: User
    bells: LinkedSystem
    sensors: LinkedSystem
    police: LinkedSystem
    fire: LinkedSystem
    disaster: LinkedSystem

    @property
    def people(self):
        return [self.kim, self.lee, self.park, self.admin, self.auditor]


def make_town(code="30000", name_ko="대전광역시", name_en="Daejeon", prefix="", lat=LAT, lon=LON, procedures=False):
    """A town; unless `procedures`, one whose own procedures ask for nothing, so that closing waits for no step."""
    town = Municipality.objects.create(code=code, name_ko=name_ko, name_en=name_en, lat=lat, lon=lon)
    if not procedures:
        empty = {"municipality": town, "version": 1, "title_ko": "없음", "title_en": "None", "steps": []}
        Procedure.objects.bulk_create([Procedure(applies_to=family, **empty) for family in Family.values])

    def user(name, role="operator"):
        return make_user(f"{prefix}{name}", town, role)

    def agency(slug, reads):
        secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        return make_system(
            town, slug, phone="042-112", reads=reads, callback_base_url="http://127.0.0.1:9", secret=secret
        )

    return Town(
        town, user("kim"), user("lee"), user("park", "supervisor"), user("admin", "administrator"),
        user("auditor", "auditor"), make_system(town, "bells", kind="feed"), make_system(town, "sensors", kind="feed"),
        agency("police112", ["CRM"]), agency("fire119", ["FIR", "RES", "EMS"]), agency("disaster", ["DIS"]),
    )  # fmt: skip


def make_central(*towns, reads=("FIR", "BEL")):
    """A central agency at home in the first town that reads all of them."""
    system = make_system(towns[0].municipality, "central", kind="central", reads=list(reads))
    system.covers.set([one.municipality for one in towns])
    return system


def key_of(system, **more):
    """A fresh key of the system, as its bearer holds it."""
    new = make_key()
    SystemKey.objects.create(system=system, prefix=new.prefix, digest=new.digest, **more)
    return new.secret


def by(user_or_system) -> Principal:
    """The principal of a person or a machine."""
    if isinstance(user_or_system, User):
        return principal_of_user(user_or_system, "10.1.2.3")
    return principal_of_system(user_or_system)


def event(code="BEL-01", *, north_m=0.0, at=None, **fields):
    """A raw event of the contract, `north_m` metres north of the town hall, as a feed would send it."""
    body = {
        "id": f"e-{next(_ids)}",
        "code": code,
        "occurred_at": (at or timezone.now()).isoformat(),
        "lat": LAT + north_m * METRE,
        "lon": LON,
        **fields,
    }
    return {name: value for name, value in body.items() if value is not ...}


def receive(town, *events, system=None):
    """Takes events in as the intake does, without HTTP; returns the receipts."""
    now = timezone.now()
    arrivals = [intake.Arrival(system or town.bells, understand(one, now)) for one in events]
    return intake.events_receive(municipality=town.municipality, arrivals=arrivals)


def open_incident(town, code="BEL-01", *, status=None, apart=True, **fields):
    """An incident of its own (a kilometre from the one before), put into `status` where one is named."""
    north_m = 1_000.0 * next(_ids) if apart else 0.0
    (receipt,) = receive(town, event(code, north_m=north_m % 4_000_000, **fields))
    found = Incident.objects.get(number=receipt.incident)
    if status is not None:
        found.status = status
        found.save(update_fields=["status"])
    return found


def hear(relay, status, **fields):
    """The agency says so."""
    return relays.relay_hear(relay_id=relay.pk, report=AgencyReport(status, fields.pop("at", timezone.now()), **fields))


def kinds(incident_or_town):
    """The kinds of the ledger rows of an incident or of a town, in order."""
    if isinstance(incident_or_town, Incident):
        rows = Change.objects.filter(incident=incident_or_town)
    else:
        rows = Change.objects.filter(municipality=incident_or_town.municipality)
    return list(rows.order_by("seq").values_list("kind", flat=True))


def last_change(incident):
    return Change.objects.filter(incident=incident).order_by("-seq").first()


def seqs(town):
    return list(Change.objects.filter(municipality=town.municipality).order_by("seq").values_list("seq", flat=True))


def assert_ledger_is_whole(town):
    """Numbers 1 to n without a hole, the head at n, times in the numbers' order, the versions where they belong."""
    ours = Change.objects.filter(municipality=town.municipality).order_by("seq")
    rows = list(ours.values_list("seq", "incident_id", "at"))
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    (head,) = ledger.heads([town.municipality.pk]).values()
    assert head.seq == len(rows)
    newest = {incident: seq for seq, incident, _ in rows if incident}
    assert dict(Incident.objects.filter(municipality=town.municipality).values_list("pk", "version")) == newest


def ago(**span):
    return timezone.now() - timedelta(**span)
