"""The state machine of a conversation being answered, and its models. No widget is made here."""
