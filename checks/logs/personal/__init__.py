"""Personal data and secrets in the texts of logs: found, counted, and never shown."""
