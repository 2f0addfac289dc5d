"""Signatures after Standard Webhooks, checked with its own library from the other side."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from linkage import signing

SECRET = signing.make_secret()
BODY = '{"status": "접수"}'.encode()


def signed(*, secret=SECRET, body=BODY, at=None, message_id="m-1"):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }


def test_the_standards_own_library_verifies_what_we_send():
    assert Webhook(SECRET).verify(BODY, signing.sign([SECRET], "key-1", BODY)) == {"status": "접수"}


def test_we_verify_what_the_standards_library_signs():
    signing.verify([SECRET], signed(), BODY)


def test_header_names_may_come_in_any_case():
    signing.verify([SECRET], {name.title(): value for name, value in signed().items()}, BODY)


def test_several_signatures_may_be_given_while_a_secret_is_changed():
    headers = signed()
    headers["webhook-signature"] = "v1,AAAA v2,x " + headers["webhook-signature"]
    signing.verify([SECRET], headers, BODY)


def test_while_a_secret_is_rotated_either_is_believed_and_both_sign():
    old, new = signing.make_secret(), signing.make_secret()
    for secret in (old, new):
        signing.verify([new, old], signed(secret=secret), BODY)
        assert Webhook(secret).verify(BODY, signing.sign([new, old], "key-1", BODY))
    with pytest.raises(signing.WebhookVerificationError):
        signing.verify([new], signed(secret=old), BODY)


def test_a_body_that_is_no_json_is_not_the_signatures_business():
    signing.verify([SECRET], signed(body=b"not json"), b"not json")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(secret=signing.make_secret()), BODY),
        (signed(), BODY + b" "),
        # Computed when the tests are collected, minutes before the last of them runs: hence the full hour ahead.
        (signed(at=datetime.now(UTC) - timedelta(minutes=6)), BODY),
        (signed(at=datetime.now(UTC) + timedelta(hours=1)), BODY),
        ({}, BODY),
        ({**signed(), "webhook-id": "m-2"}, BODY),
        ({**signed(), "webhook-timestamp": "yesterday"}, BODY),
        ({**signed(), "webhook-timestamp": "nan"}, BODY),
        ({**signed(), "webhook-signature": "v1"}, BODY),
        ({**signed(), "webhook-signature": "v1,%%%"}, BODY),
        ({**signed(), "webhook-signature": "v1,a"}, BODY),
        (signed(), b"\xff\xfe"),
    ],
)
def test_anything_else_is_refused(headers, body):
    with pytest.raises(signing.WebhookVerificationError):
        signing.verify([SECRET], headers, body)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***"])
def test_without_a_usable_secret_nothing_is_believed(secret):
    with pytest.raises(signing.WebhookVerificationError):
        signing.verify([secret], signed(), BODY)


def test_an_agency_without_a_secret_gets_unsigned_messages():
    assert signing.sign([], "key-1", BODY) == {}


def test_a_secret_of_another_form_is_named_when_signing():
    with pytest.raises(signing.BadSecret):
        signing.sign(["whsec_"], "key-1", BODY)


@given(signature=st.text(max_size=60), timestamp=st.text(max_size=20), body=st.binary(max_size=50))
def test_no_forged_header_does_more_than_be_refused(signature, timestamp, body):
    headers = {"webhook-id": "m-1", "webhook-timestamp": timestamp, "webhook-signature": signature}
    with pytest.raises(signing.WebhookVerificationError):
        signing.verify([SECRET], headers, body)
