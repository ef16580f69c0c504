"""Holdfast against its floor: measured, audited, and written down."""
