"""Operators of KQL that the translator lacks: in other words of KQL, or as SQL of their own.

Pure, but for what the desk answers.
"""
