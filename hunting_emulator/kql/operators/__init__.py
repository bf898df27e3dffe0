"""Operators of KQL missing in the translator: in other words of KQL, or as SQL of their own.

Pure, but for the translator's answers.
"""
