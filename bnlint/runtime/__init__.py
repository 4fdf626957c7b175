"""What goes to work on models in memory: watching them train, tests of them, statistics and models made anew."""
