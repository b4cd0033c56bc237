"""Lawful files: what other programs write, sign, and append where the signer allowed it. None of them was changed.

`sources` makes unsigned files by several producers, `later` appends what is allowed, `files` combines them by name.
"""
