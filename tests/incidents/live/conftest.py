"""A server, a desk from which the test writes, and screens that watch."""

import pytest
from django.db import connection
from django.test import Client

from ocenter.accounts.dbthread import DatabaseThread
from tests.incidents.cast import key_of
from tests.incidents.live.serving import Screen, Server


@pytest.fixture
def server(transactional_db):
    """Started after the test has set the clocks it wants: ask for it by `start()`."""
    started = []

    class Lazy:
        def start(self):
            started.append(Server().start())
            return started[0]

    yield Lazy()
    for one in started:
        one.stop()


@pytest.fixture
def live(server):
    """A running server with the clocks as they are."""
    return server.start()


@pytest.fixture
async def desk(transactional_db):
    """Runs what writes, off the event loop, on one connection: `await desk.run(receive, town, event())`."""
    thread = DatabaseThread("desk")
    yield thread
    await thread.run(lambda: connection.close())


@pytest.fixture
def sessions():
    """The session key of a person who signs in."""

    def of(user):
        client = Client()
        client.force_login(user)
        return client.cookies["sessionid"].value

    return of


@pytest.fixture
def credentials(sessions):
    """What a screen needs to connect as this person or machine."""

    def of(who):
        return {"session": sessions(who)} if hasattr(who, "username") else {"secret": key_of(who)}

    return of


@pytest.fixture
def screen(live, desk, credentials):
    """Makes a screen of a person or a machine on the running server."""

    def of(who, **more):
        return Screen(live.port, prove=lambda: desk.run(credentials, who), **more)

    return of
