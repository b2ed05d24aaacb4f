"""What reading commands work out: explain, test. They never send or write."""
