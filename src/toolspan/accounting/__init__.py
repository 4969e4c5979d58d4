"""`toolspan.usage`: totals of tokens and cost, and budgets."""
