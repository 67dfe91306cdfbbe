"""What `benchmarks.quality` does in parts: cut and export, choose and run peers, measure, keep the table."""
