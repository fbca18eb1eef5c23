"""Engagement as tables: who did how much with what, day by day."""
