"""The command `toolspan`: `toolspan pipeline` reads a trace and names the stage that lost a chunk."""
