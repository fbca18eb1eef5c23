"""What the tenant is and holds: people, days of events, stories, the store of records."""
