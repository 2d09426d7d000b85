"""The version of Dispatcharr whose plugins run here."""

__version__ = "0.29.0"
__timestamp__ = None
