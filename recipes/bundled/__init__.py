"""The bundled classifier from nothing: ``python -m recipes.bundled.recipe --work FOLDER``."""
