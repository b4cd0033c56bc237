"""PKCS#11 and nothing else: tokens, sessions, keys, signatures over digests. Knows no client and no document."""
