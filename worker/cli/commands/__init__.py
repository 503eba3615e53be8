"""One file a command; one that needs several is a package."""
