"""Training and prediction with Keras. Only modules of this package import Keras."""
