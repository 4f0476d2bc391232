"""Results as Arrow, and from there as pandas and polars frames.

Needs the extra `skipass[arrow]`, and is imported at first use. Knows columns and the text of cells, no connection.
"""
