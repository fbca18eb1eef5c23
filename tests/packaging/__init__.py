"""What an installed Ledgerline is made of, and how it is built."""
