"""From a conversation to a draft: read pipeline.py first."""
