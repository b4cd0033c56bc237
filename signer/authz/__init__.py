"""Who may do what: grants, their file, and the decision. Deny by default. "Policy" is never used for this."""

from signer.authz.actor import Actor
from signer.authz.decide import Grants
from signer.authz.grant import Grant
from signer.authz.grants_file import load_grants

__all__ = ["Actor", "Grant", "Grants", "load_grants"]
