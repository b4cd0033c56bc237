"""The probes: each looks at one thing of the running system. A file for each subject; `catalogue` has them all by name."""
