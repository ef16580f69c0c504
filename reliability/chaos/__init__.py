"""The nemesis: a whole stack under load, hurt in every way that a seed says, and then checked.

python -m reliability.chaos --profile smoke --seed 1
"""
