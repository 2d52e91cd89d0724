"""The coherent sales slice of the demo company: masters, documents, lines, payments. Start at ``generator.generate``."""
