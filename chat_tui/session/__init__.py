"""A conversation in progress: turns are run, stopped, retried and continued here, with no screen in sight."""
