"""A lakehouse for companies that run the ERP EBP. Import the concrete modules; this package exports nothing."""
