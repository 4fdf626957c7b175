"""The live door: a Keras model in memory in, the graph out."""
