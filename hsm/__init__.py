"""PKCS#11 and nothing else: tokens, sessions, keys, signatures over digests. Knows no client and no document.

From the outside in: `token` (what the signer uses) → `session_pool` (leases, reconnection) → `module` (the loaded library).
`vendor_profile` holds what differs between vendors, `mechanisms` and `keys` what we ask for, `pin` and `pin_attempts` the
secret and the rule that a wrong one is tried once, `errors` and `return_values` what a CKR_* means to callers.
"""
