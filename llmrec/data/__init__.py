"""From files to tables: items, interactions, and the data sets known by name."""
