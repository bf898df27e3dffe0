"""The commands of `m365hunting`: checks before a run, plans of a run."""
