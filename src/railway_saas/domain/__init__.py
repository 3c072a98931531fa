"""Our own nouns: frozen, pure, no I/O."""
