"""`toolspan.tool`: spans of the application's tools, linked to the model's calls."""
