"""Processes killed between two durable steps, and what a reader and the next run find."""
