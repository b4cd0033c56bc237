"""What is done with documents: issue them, verify them, show templates. The use cases behind DocumentService."""
