"""`make bench`: ratios from one run, against the raw limit and against what a user would pick instead. Asserts nothing."""
