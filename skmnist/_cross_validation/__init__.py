"""Cross-validation: train on every split, and keep what was predicted."""
