"""What `m365hunting` tells people: checks before a run, plans of one."""
