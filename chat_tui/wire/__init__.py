"""Wire protocols: bytes to events and requests to JSON; one file each, none knows another, none knows HTTP."""
