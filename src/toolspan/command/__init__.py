"""The command `toolspan`: `doctor` examines a set-up, `pipeline` names the stage that lost a chunk."""
