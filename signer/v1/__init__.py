"""Generated from protos/signer/v1 by `make protos`; never edited by hand."""
