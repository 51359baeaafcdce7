"""Conversations on disk: the database, its records, export and import."""
