"""What keeps processes apart: sandboxes, and framed messages over unix sockets between us and processes that touch hostile bytes."""
