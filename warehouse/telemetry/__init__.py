"""Claude Code's OpenTelemetry: what clients are told to send, what is kept of it, and its arithmetic.

Promise: of content nothing is kept; an attribute that the allow-list does not name is removed before disk.
"""
