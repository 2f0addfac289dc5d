"""What the accounts listen to; imported once, when all models are loaded."""

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from ocenter.accounts import session

user_logged_in.connect(session.audit_login, dispatch_uid="audit_login")
user_logged_out.connect(session.audit_logout, dispatch_uid="audit_logout")
user_login_failed.connect(session.audit_login_failure, dispatch_uid="audit_login_failure")
