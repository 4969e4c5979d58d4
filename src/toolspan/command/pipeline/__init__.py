"""`toolspan pipeline`: find the stage that lost a chunk, from a trace."""
