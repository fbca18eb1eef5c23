"""Detections: Sigma rules as SQL over the archive, the alerts they raise, and their form for a SIEM."""
