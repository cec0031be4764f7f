"""Language models: which one, the line to it, its replies."""
