"""Evidence for assessors (GB/T 22239, GB/T 39786): items, live probes, packs, comparisons; and emergency drills.

Knows neither gRPC nor the configuration file: whoever joins it (`signer.app`) gives it a `Surroundings` and a
`RemoteAppliance`. Not for monitoring day by day: that is `monitoring`.
"""
