"""What Dagster needs around the assets: partitions, resources, jobs, checks."""
