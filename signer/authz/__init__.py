"""Who may do what, how often: grants, quotas, their file, and the decision. Deny by default. "Policy" is never used for this."""

from signer.authz.actor import Actor
from signer.authz.ask import Ask
from signer.authz.decide import Grants, GrantsFile, no_grants
from signer.authz.grant import Grant
from signer.authz.grants_file import Existing, load_grants
from signer.authz.quota import Quota
from signer.authz.rate import Rate

__all__ = ["Actor", "Ask", "Existing", "Grant", "Grants", "GrantsFile", "Quota", "Rate", "load_grants", "no_grants"]
