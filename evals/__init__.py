"""Measures the assistant: golden questions in, figures and a page out."""
