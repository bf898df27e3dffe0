"""The tap over many tenants in groups, each a Meltano run, for Airflow and other schedulers."""
