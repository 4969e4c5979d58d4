"""A chat service: one streaming call per turn of the model, tools that run while it still speaks."""
