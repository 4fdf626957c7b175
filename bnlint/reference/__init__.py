"""The reference runtime: what Keras's layers compute, in NumPy and float64, each function beside its formula.

Import the module that is needed (`from bnlint.reference.batchnorm import BatchNorm`): this package itself imports
nothing, so that asking for the mode table does not load NumPy.
"""
