"""deploykit: from a bare machine to a speaking IndexTTS service."""

__version__ = "0.1.0"
