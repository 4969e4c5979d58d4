"""A chat service: one streaming call per turn of the model, and tools that start while it still streams."""
