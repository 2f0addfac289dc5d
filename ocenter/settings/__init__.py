"""Settings: base holds what is common; dev, test and production say only what differs."""
