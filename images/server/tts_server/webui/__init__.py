"""The page for people (Gradio)."""
