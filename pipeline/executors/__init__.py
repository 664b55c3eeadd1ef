"""Executors examine registrations, in this process or on a Ray cluster; a task runner spreads benchmark work."""
