"""The client API of a UCRI2 control room module (UCRM) over our wire: token, send, receive, commit, registry.

Every call keeps the wire's rules (allowed networks, one deadline, bounded answers). All of them may be repeated:
sending keeps its `messageId`, receiving takes nothing away, committing what is committed changes nothing.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from linkage.transports import wire
from linkage.transports.base import NotSent, Target
from linkage.transports.ucri2 import errors
from linkage.transports.ucri2.envelope import sequence_of

HEADERS: Final = {"Content-Type": "application/json"}
# A token is renewed this long before it ends, so that none ends on its way.
RENEW_BEFORE_S: Final = 60.0
# For a token that does not say when it ends.
TOKEN_LIFE_S: Final = 300.0
# Of one batch; a longer one is asked for one by one. A single message beyond it could never be taken out.
BATCH_LIMIT: Final = 10 * 1024 * 1024
UNREADABLE_KEPT: Final = 100_000  # characters
_SEQUENCE: Final = re.compile(rb'(?<!\\)"sequenceId"\s*:\s*([0-9]{1,18})\b')
STARTING: Final = 1  # /info: the module still learns who is connected


@dataclass(frozen=True)
class Account:
    """Who we are at one module: `base` is its client API's address, `passwords` those in force, newest first."""

    base: str
    username: str
    passwords: tuple[str, ...]


@dataclass(frozen=True)
class _Token:
    text: str
    renew_at: float


# Tokens of this process, by account; losing them costs one request.
_tokens: dict[Account, _Token] = {}


class Client:
    """One account at one module, over one session."""

    def __init__(self, session: aiohttp.ClientSession, target: Target, account: Account) -> None:
        self._session = session
        self._target = target
        self._account = account

    async def send(self, envelope: Mapping[str, Any]) -> tuple[str, wire.Reply]:
        """Hands an envelope to the module; returns the `messageId` it now has. Raises NotSent.

        A destination it does not know is refused for good only once the module knows all there are.
        """
        try:
            reply = await self._call("POST", "messaging/send", envelope)
        except NotSent as error:
            if errors.code_of(error) == errors.UNKNOWN_DESTINATION and await self._is_starting():
                raise NotSent(f"{error.reason}; it is still starting", status=error.status, response=error.response) from error
            raise
        message_id = _json(reply).get("messageId")
        if not isinstance(message_id, str) or not message_id:
            raise NotSent("the answer holds no messageId", status=reply.status, response=reply.text)
        return message_id, reply

    async def receive(self, oid: str, *, at_most: int, wait_s: int) -> list[dict[str, Any]]:
        """The oldest messages in the mailbox of `oid`, at most `at_most`; waits up to `wait_s` seconds for the first.

        They stay there until they are committed. One that is no JSON to us comes alone, as `unreadable` text with
        its place: whoever sent it must not stop the mailbox for everybody. Raises NotSent.
        """
        body = {"destinations": [oid], "maxMessages": at_most, "maxDelay": wait_s}
        reply = await self._call("POST", "messaging/receive", body, limit=BATCH_LIMIT)
        if reply.status == 204:
            return []
        if len(reply.body) <= BATCH_LIMIT and _is_json(reply):
            return _messages(reply)
        return _unreadable(reply) if at_most == 1 else await self.receive(oid, at_most=1, wait_s=0)

    async def commit(self, oid: str, sequence_id: int) -> None:
        """Takes everything up to `sequence_id` out of the mailbox of `oid`. Raises NotSent."""
        await self._call("POST", "messaging/commit", {"destination": oid, "sequenceId": sequence_id})

    async def participant(self, oid: str) -> dict[str, Any] | None:
        """What the registry says of a participant, or None where it knows none of that OID. Raises NotSent."""
        try:
            return _json(await self._call("GET", f"registry/{oid}"))
        except NotSent as error:
            if error.status == 404:
                return None
            raise

    async def info(self) -> dict[str, Any]:
        """The module's maker, version and state (0: normal, 1: starting, 2: faulty). Raises NotSent."""
        return _json(await self._call("GET", "info"))

    async def _is_starting(self) -> bool:
        try:
            return (await self.info()).get("status") == STARTING
        except NotSent:
            return False

    async def _call(
        self, method: str, path: str, body: Any = None, *, limit: int = wire.RESPONSE_LIMIT
    ) -> wire.Reply:
        """One call with a token; one that has ended unseen is renewed, once."""
        kept = self._account in _tokens
        token = await self._token()
        try:
            return await self._try(method, path, body, token, limit)
        except NotSent as error:
            if error.status != 401:
                raise errors.explained(error) from error
            _tokens.pop(self._account, None)
            if not kept:
                # The module has just issued it: its own affair, so the call is tried again later.
                raise NotSent("the module refuses the token it issued", status=401, response=error.response) from error
        return await self._call(method, path, body, limit=limit)

    async def _try(self, method: str, path: str, body: Any, token: str, limit: int) -> wire.Reply:
        return await wire.call(
            self._session, self._target, f"{self._account.base}/{path}", method=method,
            body=None if body is None else orjson.dumps(body),
            headers={**HEADERS, "Authorization": f"Bearer {token}"}, limit=limit,
        )  # fmt: skip

    async def _token(self) -> str:
        held = _tokens.get(self._account)
        if held is None or time.time() >= held.renew_at:
            held = _tokens[self._account] = await self._new_token()
        return held.text

    async def _new_token(self) -> _Token:
        """Asks for a token with each password in force, so that a change of password interrupts nothing."""
        refused: NotSent | None = None
        for password in self._account.passwords:
            try:
                return _token_of(await self._ask_token(password))
            except NotSent as error:
                if error.status != 401:
                    raise
                refused = errors.explained(error)
        raise refused or NotSent("no password is set for the module", permanent=True)

    async def _ask_token(self, password: str) -> wire.Reply:
        login = base64.b64encode(f"{self._account.username}:{password}".encode()).decode()
        headers = {**HEADERS, "Authorization": f"Basic {login}"}
        return await wire.call(self._session, self._target, f"{self._account.base}/token", method="GET", headers=headers)


def _token_of(reply: wire.Reply) -> _Token:
    text = _json(reply).get("token")
    if not isinstance(text, str) or not text.isascii() or not text.isprintable():
        raise NotSent("the module's answer holds no token", status=reply.status)
    now = time.time()
    ends = _expiry(text, now)
    # A token that lives for less than the margin is used for half its life.
    return _Token(text, max(ends - RENEW_BEFORE_S, now + (ends - now) / 2))


def _expiry(token: str, now: float) -> float:
    """When the token ends by its own `exp` (RFC 7519, seconds since 1970). It is the module's to check, not ours."""
    try:
        claims = token.split(".")[1]
        return float(orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return now + TOKEN_LIFE_S


def _json(reply: wire.Reply) -> dict[str, Any]:
    try:
        said = orjson.loads(reply.body)
    except orjson.JSONDecodeError as error:
        raise NotSent("the answer is no JSON", status=reply.status, response=reply.text) from error
    if not isinstance(said, dict):
        raise NotSent("the answer is no JSON object", status=reply.status, response=reply.text)
    return said


def _is_json(reply: wire.Reply) -> bool:
    try:
        orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return False
    return True


def _unreadable(reply: wire.Reply) -> list[dict[str, Any]]:
    """A single message that cannot be read: half a surrogate pair, nested without end. Of the places it seems to
    name the lowest is taken, since committing too little loses nothing. Raises NotSent where it names none."""
    places = [int(found) for found in _SEQUENCE.findall(reply.body)]
    if not places:
        raise NotSent("a message in the mailbox cannot be read", status=reply.status, response=reply.text[:2000])
    return [{"sequenceId": min(places), "unreadable": reply.text[:UNREADABLE_KEPT]}]


def _messages(reply: wire.Reply) -> list[dict[str, Any]]:
    found: Sequence[Any] = _json(reply).get("messages") or []
    try:
        return sorted(found, key=sequence_of)
    except (ValueError, AttributeError, TypeError) as error:
        raise NotSent(f"the mailbox cannot be read: {error}", status=reply.status, response=reply.text[:2000]) from error
