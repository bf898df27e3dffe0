"""`make fleet-demo`: forty tenants on a real Airflow, four of them broken, one worker killed."""
