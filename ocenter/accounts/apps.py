"""Accounts: what everything else stands on."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Municipalities, users, roles, API keys and the audit chain."""

    name = "ocenter.accounts"
    label = "accounts"
    verbose_name = _("Accounts")
