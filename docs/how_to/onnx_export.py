"""Export of a fitted classifier to ONNX, as saving.rst shows it."""

from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
X, y = X[:200], y[:200]
pipe = make_pipeline(PixelScaler(), KerasMLPClassifier(epochs=1, random_state=0))
pipe.fit(X, y)

# [recipe]
import numpy as np
import onnxruntime

pipe[-1].model_.export("digits.onnx", format="onnx", verbose=False)

session = onnxruntime.InferenceSession("digits.onnx")
pixels = pipe[:-1].transform(X)
(name,) = (given.name for given in session.get_inputs())
(probabilities,) = session.run(None, {name: pixels})
labels = pipe.classes_[probabilities.argmax(axis=1)]
np.testing.assert_allclose(probabilities, pipe.predict_proba(X), atol=1e-5)
