"""The pages of the window: each binds widgets to the session."""
