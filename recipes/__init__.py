"""How what ships was made: end-to-end scripts with their data, beside the library and not in the wheel."""
