"""Laws of the whole tree: imports, names, sizes."""
