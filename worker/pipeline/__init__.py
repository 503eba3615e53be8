"""Fetches on their way from intake to the publisher: how many there may be, and what is decided of each record."""
