"""Measurements: each figure with the command that made it, next to the raw limit of the same run where there is one."""
