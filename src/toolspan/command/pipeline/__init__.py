"""`toolspan pipeline`: load a trace, order its stages, and find the stage that lost a chunk."""
