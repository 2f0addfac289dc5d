"""Accounts: what everything else stands on."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Municipalities, users, roles, API keys and the audit chain."""

    name = "ocenter.accounts"
    label = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Connects the audit of signing in and out; Django calls this once."""
        from ocenter.accounts import session  # noqa: PLC0415 (its models must be loaded first)

        user_logged_in.connect(session.audit_login, dispatch_uid="audit_login")
        user_logged_out.connect(session.audit_logout, dispatch_uid="audit_logout")
        user_login_failed.connect(session.audit_login_failure, dispatch_uid="audit_login_failure")
