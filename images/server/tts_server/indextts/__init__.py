"""An IndexTTS engine: from the licence of its weights to its workers, and back to sleep."""
