"""One module or folder a protocol, each with one `send()`; see `base`."""
