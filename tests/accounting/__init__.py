"""Tests of totals and budgets."""
