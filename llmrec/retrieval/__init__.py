"""From a query to candidates: retrievers, their fusion, and the filter that decides what may be shown."""
