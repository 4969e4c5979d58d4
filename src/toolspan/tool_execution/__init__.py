"""`toolspan.tool`: executions of the application's tools."""
