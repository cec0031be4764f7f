"""Questions answered from source documents, every sentence with its exact citation."""
