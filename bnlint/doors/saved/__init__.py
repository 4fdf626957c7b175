"""The saved door: a model file in, the graph out, without TensorFlow or Keras."""
