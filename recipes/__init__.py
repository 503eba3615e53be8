"""How the shipped models were made: end-to-end scripts with their data, next to the library and not in the wheel."""
