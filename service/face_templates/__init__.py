"""Face templates for later step-ups, where no portrait service exists: passkey and identity core open them together."""
