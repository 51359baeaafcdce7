"""Servers that nobody here wrote, for tests/integration/test_real_servers.py: where they come from, how they run.

They are large and come from the package registries, so nothing is installed unless CHAT_TUI_REAL_SERVERS names a
folder to keep them in (outside the repository), or is 1 for one in the user's cache. By hand:

    CHAT_TUI_REAL_SERVERS=1 uv run pytest tests/integration/test_real_servers.py
    CHAT_TUI_REAL_SERVERS=1 uv run python -m tests.servers        # only installs, and says where
"""
