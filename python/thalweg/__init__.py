"""thalweg minimizes functions written in NumPy: traced once, differentiated, and descended in C++."""

from thalweg._version import __version__

__all__ = ["__version__"]
