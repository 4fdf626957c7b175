"""A run: what is asked for, the files through the pipeline, in workers, merged into a report; and files fixed."""
