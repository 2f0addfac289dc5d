"""What the UCRI2 tests share, all of it our own: keys, a partner's client and a control room module (UCRM).

Written from the specification and from nothing of the package under test, signatures included, so that a mistake
made there is not made here again. The real reference server stands in for the module in `test_ucri2_reference.py`.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import itertools
import json
import re
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import transaction
from django.utils import timezone

from linkage import relays
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.linkage.wires import make_agency, make_incident, peer

OURS, THEIRS, OTHERS, MODULE = "1.2.276.1.10", "1.2.276.1.20", "1.2.276.1.30", "1.2.276.1.1"
PASSWORD = "geheim-Σ"
APPS = {
    "incident_transfer": ("incident", "acknowledgement", "completion"),
    "notification_text": ("notification",),
    "transport_layer_messages": ("message_delivery_status",),
}
REQUIRED = {
    "incident": ("sharedIncidentId", "sentByDispatcherAt", "missionLocation"),
    "acknowledgement": ("sharedIncidentId", "acknowledgedByDispatcherAt", "status"),
    "completion": ("sharedIncidentId", "completedAt", "status"),
    "notification": ("sharedIncidentId", "notifications"),
    "message_delivery_status": ("refMessageId", "destination", "statusCode"),
}
KNOWN = {
    "incident": {
        "internalId", "additionalInformation", "informers", "protocolRemarks", "startTimestamp", "classifications",
        "issue", "flashingLights",
    },
    "acknowledgement": {"cause"},
    "completion": {"additionalInformation"},
    "notification": set(),
    "message_delivery_status": {"cause", "statusMessage"},
}  # fmt: skip


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key: as a JWK, and signing and checking envelopes."""

    def __init__(self):
        self._private = rsa.generate_private_key(65537, 2048)

    def jwk(self, private=False):
        p = self._private.private_numbers()
        names = {"n": p.public_numbers.n, "e": p.public_numbers.e}
        if private:
            names |= {"d": p.d, "p": p.p, "q": p.q, "dp": p.dmp1, "dq": p.dmq1, "qi": p.iqmp}
        return {"kty": "RSA", **{k: b64(v.to_bytes((v.bit_length() + 7) // 8, "big")) for k, v in names.items()}}

    def sign(self, envelope):
        head = b64(json.dumps({"typ": "UCRI_PLAIN", "alg": "RS256"}).encode())
        text = f"{head}.{b64(digest(envelope).encode())}"
        return f"{text}.{b64(self._private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def accepts(self, envelope):
        head, said, signature = envelope["signature"].split(".")
        if base64.urlsafe_b64decode(said + "==").decode() != digest(envelope):
            return False
        try:
            self._private.public_key().verify(
                base64.urlsafe_b64decode(signature + "=="), f"{head}.{said}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return True


def digest(envelope, twice=True):
    """The signed hash. For these envelopes (texts alone) sorted compact JSON is what RFC 8785 asks for."""
    destinations = envelope.get("destinations") or [envelope["destination"]]
    kept = {"source": envelope["source"], "destinations": destinations, "payload": envelope["payload"]}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha3_256((json.dumps(text, ensure_ascii=False) if twice else text).encode()).hexdigest()


def now():
    return timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.cache
def _keys():
    """Made once: drawing an RSA key takes longer than most tests."""
    return [Key() for _ in range(4)]


class PartnerClient:
    """A control room's client of a few lines, blocking, over urllib: it knows nothing of ours."""

    def __init__(self, base, oid, username, password=PASSWORD, key=None):
        self.base, self.oid, self.key = base, oid, key
        login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._token = self._call("GET", "token", authorization=f"Basic {login}")["token"]

    def _call(self, method, path, body=None, authorization=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": authorization or f"Bearer {self._token}"}
        request = urllib.request.Request(f"{self.base}/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=15) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def envelope(self, to, app, schema, data, message_id=None, **more):
        said = {
            "messageId": message_id or str(uuid.uuid4()), "timeout": 60, "ack": "NONE", "source": self.oid,
            "destinations": [to],
            "payload": {
                "appId": app, "appVersion": "1.0", "schemaId": schema, "contentType": "application/json",
                "data": json.dumps(data, ensure_ascii=False),
            },
            **more,
        }  # fmt: skip
        if self.key:
            said["signature"] = self.key.sign(said)
        return said

    def send(self, to, app, schema, data, **more):
        return self._call("POST", "messaging/send", self.envelope(to, app, schema, data, **more))

    def acknowledge(self, to, shared_id, status="accepted", **more):
        data = {"sharedIncidentId": shared_id, "acknowledgedByDispatcherAt": now(), "status": status, **more}
        return self.send(to, "incident_transfer", "acknowledgement", data)

    def complete(self, to, shared_id, status="completed_sucessfully", **more):
        data = {"sharedIncidentId": shared_id, "completedAt": now(), "status": status, **more}
        return self.send(to, "incident_transfer", "completion", data)

    def receive(self, at_most=10):
        body = {"destinations": [self.oid], "maxMessages": at_most, "maxDelay": 0}
        return (self._call("POST", "messaging/receive", body) or {}).get("messages", [])

    def commit(self, sequence_id):
        self._call("POST", "messaging/commit", {"destination": self.oid, "sequenceId": sequence_id})


def data_of(envelope):
    return json.loads(envelope["payload"]["data"])


class Refusal(Exception):
    def __init__(self, status, code, reason="refused"):
        self.status, self.code, self.reason = status, code, reason


class Module:
    """A control room module of our own, strict: what the specification does not allow it refuses.

    `plan` holds faults for the next calls of a path ("send", "commit", …): a function of the request and what the
    module would answer, which gives the answer. `token_life_s` is what its tokens live.
    """

    def __init__(self):
        self.keys = dict(zip((OURS, THEIRS, OTHERS, MODULE), _keys(), strict=True))
        self.accounts = {"ocenter": OURS, "partner": THEIRS, "other": OTHERS}
        self.passwords = {name: {PASSWORD} for name in self.accounts}
        self.apps = {oid: ["incident_transfer", "notification_text"] for oid in self.accounts.values()}
        self.unsigned, self.state, self.token_life_s = set(), 0, 3600
        self.boxes = {oid: [] for oid in self.keys}
        self.calls, self.plan, self.base = [], {}, ""
        self._sequence, self._secret = itertools.count(1), uuid.uuid4().bytes

    async def __call__(self, request, body):
        path = request.path.removeprefix("/ucrm/client/v0/")
        name = path.split("/")[-1] if path.startswith("messaging/") else path.split("/")[0]
        self.calls.append(name)
        try:
            answer = await self._answer(request, name, path, body)
        except Refusal as error:
            answer = web.json_response({"code": error.code, "reason": error.reason}, status=error.status)
        if self.plan.get(name):
            said = self.plan[name].pop(0)(request, answer)
            return await said if asyncio.iscoroutine(said) else said
        return answer

    async def _answer(self, request, name, path, body):
        if name == "token":
            return web.json_response({"token": self._issue(request)})
        oid = self.accounts[self._user(request)]
        if name == "info":
            return web.json_response({"apiVersion": "2.0.0", "status": self.state})
        if name == "registry":
            return self._registry(path)
        said = json.loads(body)
        return await {"send": self._send, "receive": self._receive, "commit": self._commit}[name](oid, said)

    def _issue(self, request):
        kind, _, login = request.headers["Authorization"].partition(" ")
        user, _, password = base64.b64decode(login).decode().partition(":")
        if request.method != "GET" or kind.lower() != "basic" or password not in self.passwords.get(user, ()):
            raise Refusal(401, 475)
        claims = b64(json.dumps({"usr": user, "exp": int(time.time() + self.token_life_s)}).encode())
        text = f"{b64(b'{}')}.{claims}"
        return f"{text}.{b64(hmac.digest(self._secret, text.encode(), 'sha256'))}"

    def forget_tokens(self):
        """As after a restart with another secret."""
        self._secret = uuid.uuid4().bytes

    def _user(self, request):
        text, _, seal = request.headers.get("Authorization", "").removeprefix("Bearer ").rpartition(".")
        if not hmac.compare_digest(seal, b64(hmac.digest(self._secret, text.encode(), "sha256"))):
            raise Refusal(401, 475)
        claims = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        if claims["exp"] < time.time():
            raise Refusal(401, 475)
        return claims["usr"]

    def _registry(self, path):
        oid = path.partition("/")[2]
        if oid not in self.keys:
            raise Refusal(404, 470)
        return web.json_response({
            "id": oid, "type": "ucrm" if oid == MODULE else "client", "key": self.keys[oid].jwk(),
            "transmitsUnsignedMessages": oid in self.unsigned,
        })  # fmt: skip

    async def _send(self, oid, said):
        self._check_envelope(oid, said)
        self.deliver(said["destinations"][0], said)
        return web.json_response({**said, "sentDate": now()})

    def _check_envelope(self, oid, said):
        allowed = {"messageId", "description", "timeout", "ack", "source", "destinations", "tags", "payload", "signature"}
        if set(said) - allowed or not 10 <= said["timeout"] <= 86_400 or said["ack"] not in ("NONE", "NACK", "ALL"):
            raise Refusal(400, 460)
        uuid.UUID(said["messageId"])
        if said["source"] != oid:
            raise Refusal(400, 478)
        payload, (to,) = said["payload"], said["destinations"]
        if to not in self.apps or self.state == 1:
            raise Refusal(400, 470, "unknown destination")
        if payload["appId"] not in APPS or payload["contentType"] != "application/json":
            raise Refusal(400, 461)
        if payload["appVersion"] != "1.0":
            raise Refusal(400, 462)
        if payload["schemaId"] not in APPS[payload["appId"]]:
            raise Refusal(400, 463)
        if payload["appId"] not in self.apps[to]:
            raise Refusal(400, 466, "the destination does not support it")
        self._check_data(payload["schemaId"], json.loads(payload["data"]))

    def _check_data(self, schema, data):
        required = REQUIRED[schema]
        if set(data) - KNOWN[schema] - set(required) or not all(data.get(name) for name in required):
            raise Refusal(400, 464, f"against the schema of {schema}")
        uuid.UUID(data["sharedIncidentId"])
        if schema == "incident":
            place = data["missionLocation"]
            if not (place.keys() & {"coordinate", "address"}) or ("address" in place and not place["address"].get("street")):
                raise Refusal(400, 464, "no place")
        moments = [v for k, v in data.items() if k.endswith("At") or k == "startTimestamp"]
        if not all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one) for one in moments):
            raise Refusal(400, 464, "no UTC moment")

    def deliver(self, to, said):
        """Lays an envelope into a mailbox: as it came, but for one destination instead of the list."""
        lying = {k: v for k, v in said.items() if k != "destinations"}
        self.boxes[to].append({**lying, "destination": to, "sentDate": now(), "sequenceId": next(self._sequence)})

    def report(self, to, message_id, code, **more):
        """The module's own word on a delivery."""
        client = PartnerClient.__new__(PartnerClient)
        client.oid, client.key = MODULE, self.keys[MODULE]
        data = {"refMessageId": message_id, "destination": THEIRS, "statusCode": code, **more}
        self.deliver(to, client.envelope(to, "transport_layer_messages", "message_delivery_status", data))

    async def _receive(self, oid, said):
        if said["destinations"] != [oid] or not 0 <= said["maxDelay"] <= 30:
            raise Refusal(400, 478)
        deadline = time.monotonic() + said["maxDelay"]
        while not self.boxes[oid] and time.monotonic() < deadline:  # noqa: ASYNC110 - filled from other threads
            await asyncio.sleep(0.02)
        found = self.boxes[oid][: said["maxMessages"]]
        if not found:
            return web.Response(status=204)
        return web.json_response({"messages": found, "maxMessages": said["maxMessages"]})

    async def _commit(self, oid, said):
        if said["destination"] != oid:
            raise Refusal(400, 478)
        self.boxes[oid] = [one for one in self.boxes[oid] if one["sequenceId"] > said["sequenceId"]]
        return web.Response(status=204)


@contextmanager
def module():
    """A module of our own on the loopback until the block ends."""
    one = Module()
    with peer(one) as server:
        one.base = server.url.replace("/incidents", "/ucrm/client/v0")
        yield one


def make_partner(town, base, key, slug="control-room", *, password=PASSWORD, **options):
    """A linked system that relays by UCRI2 and listens to its answers."""
    said = {"own_oid": OURS, "partner_oid": THEIRS, "username": "ocenter", **options}
    secret = json.dumps({"password": password, "key": key.jwk(private=True) if key else None})
    return make_agency(town, base, slug, transport="ucri2", secret=secret, options=said)


INCIDENT = {
    "code": "FIR-01", "grade": "G1", "title": {"ko": "화재", "en": "Fire"}, "summary": "3층에서 연기",
    "address": "대전 서구 둔산로 100", "place": "둔산동", "lat": 36.35, "lon": 127.38,
    "occurred_at": "2026-11-23T12:00:00+09:00",
}  # fmt: skip


def relay_to(agency, incident=None, **changes):
    """Relays an incident (a new one by default) with everything a real message holds; queued, not sent."""
    one = incident or make_incident(agency.municipality)
    payload = {"incident": {**INCIDENT, **changes, "number": one.number}, "cameras": [], "text": "2층에 사람이 있음"}
    with transaction.atomic():
        return relays.relay_open(system=agency, subject=one.number, payload=payload, actor=SYSTEM_ACTOR, detail={})
