"""Callers of the REST: people by session, machines by key."""

import json

import pytest
from django.db import connection
from django.test import Client

from incidents.api import events
from tests.incidents.cast import key_of


class Caller(Client):
    """A client that speaks JSON; `secret` makes it a machine."""

    def __init__(self, *, user=None, secret=None, **more):
        headers = {"accept": "application/json", "accept-language": "en"}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        super().__init__(headers=headers, **more)
        if user:
            self.force_login(user)

    def send(self, path, body=None, **more):
        """POST as JSON; without a body, nothing at all."""
        content = b"" if body is None else json.dumps(body)
        return self.post(path, content, content_type="application/json", **more)


@pytest.fixture
def calls():
    """Makes a caller of a user, of a linked system, or of nobody."""

    def of(who=None, **more):
        if who is None:
            return Caller(**more)
        return Caller(user=who, **more) if hasattr(who, "username") else Caller(secret=key_of(who), **more)

    return of


@pytest.fixture
def intake_door(transactional_db):
    """For tests of POST events: its writer has a connection of its own, which is closed afterwards."""
    yield
    events.QUEUE._database._executor.submit(lambda: connection.close()).result()


def problem_of(response, status):
    """The problem document of a refusal, whose form is checked."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["title"] and isinstance(body["detail"], str) and body["detail"]
    return body


def wrong_fields(response):
    """The fields a 400 names."""
    return [one["field"] for one in problem_of(response, 400)["errors"]]
