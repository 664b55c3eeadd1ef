"""Running the service: settings, logs, metrics, audit, retention."""
