"""How results and progress look: text, JSON, plain lines, bars."""
