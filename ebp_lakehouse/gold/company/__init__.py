"""Gold tables of the whole company: its KPIs of a month and of a day, and the catalogue that names every KPI."""
