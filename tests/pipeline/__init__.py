"""Tests of the stages of a pipeline."""
