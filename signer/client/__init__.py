"""Typed Python client of the appliance. Imports nothing of the server but the generated messages."""

from signer.client.connection import Connection
from signer.client.errors import RemoteError
from signer.client.profile import ClientProfile, ProfileError, load_profile
from signer.client.retry import RetryPolicy

__all__ = ["ClientProfile", "Connection", "ProfileError", "RemoteError", "RetryPolicy", "load_profile"]
