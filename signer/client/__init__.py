"""Typed Python client of the appliance. Imports nothing of the server but the generated messages."""

from signer.client.connection import Connection
from signer.client.errors import RemoteError
from signer.client.profile import ClientProfile, load_profile

__all__ = ["ClientProfile", "Connection", "RemoteError", "load_profile"]
