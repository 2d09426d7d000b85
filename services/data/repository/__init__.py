"""Every MongoDB query of the platform, by noun."""
