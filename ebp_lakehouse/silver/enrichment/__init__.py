"""What the lake may ask outside of the company: where addresses lie, the weather, economic indices. All off by default."""
