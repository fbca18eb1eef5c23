"""Archives as they were written once: bytes of then are read, verified and proven by the code of now, for ever."""
