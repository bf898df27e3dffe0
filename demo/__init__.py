"""The demo: an emulated tenant, the tap, a loader, and the tables that come of it.

It knows the other parts only as a user does: by their commands, files and HTTP.
"""
