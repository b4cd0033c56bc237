"""One servicer for each service of the contract. They translate between messages and use cases, and nothing else."""
