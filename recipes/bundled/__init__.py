"""The bundled classifier from scratch: ``python -m recipes.bundled.recipe --work FOLDER``."""
