"""What was measured, told: tables, plots, history, and whether the targets are met."""
