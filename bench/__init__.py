"""Measurements of the worker against its ceilings."""
