"""The coherent sales slice of the demo company: start at ``generator.generate``."""
