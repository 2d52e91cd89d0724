"""Reference data shipped with the silver layer; read through importlib.resources."""
