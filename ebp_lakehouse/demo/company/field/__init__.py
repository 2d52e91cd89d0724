"""Work outside the office: equipment, contracts, appointments, activities, incidents, deals and sites."""
