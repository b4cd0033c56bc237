"""The main job, end to end, on real parts: what `make demo` and `make serve` run. Not part of the product."""
