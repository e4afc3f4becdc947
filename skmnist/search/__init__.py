"""Searches over hyperparameters: what a finished one says."""
