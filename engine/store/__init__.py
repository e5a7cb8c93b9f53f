"""What is kept: conversations, drafts, decisions, hits, cases, in one SQLite file.

Open it with `engine.store.store.open_store`. To change the form of the database, append a
migration in `migrations.py`; what comes out is in `rows.py`; only `database.py` speaks to SQLite.
"""
