"""The public functions that are no run of the pipeline."""
