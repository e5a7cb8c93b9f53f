"""Changing the rules: a draft, a trial, a second lead, and what would have been hit."""
