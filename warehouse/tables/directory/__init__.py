"""The directory as tables: who was a member, in which group, with which key; versions from snapshots."""
