"""Raw history: canonical text, fold, routes; the assets are in assets.py."""
