"""Maps of hunting tables to the schemas of SIEMs, and the KQL that is written from the maps."""
