"""The `signer` command: one file for each noun. Chinese first where people read results, English beside it; --json for programs."""
