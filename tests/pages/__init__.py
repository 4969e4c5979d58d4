"""Tests of the README and the pages: their blocks, links and names."""
