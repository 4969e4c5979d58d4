"""Pipeline stages: what each stage receives, emits and does to the chunks of a stream."""
