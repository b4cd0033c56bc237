"""gRPC on the wire: the server, who is calling, deadlines, and how errors become statuses. Knows no use case."""
