"""A pipeline of scikit-learn, written as an ONNX graph by skl2onnx."""

import argparse

import channel
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--strength", type=float, default=1.0)
options = parser.parse_args()

inputs, target = channel.rows("train")
pipeline = make_pipeline(
    SimpleImputer(strategy="median"),
    StandardScaler(),
    LogisticRegression(C=options.strength, max_iter=500),
)
pipeline.fit(inputs, target)
unseen, truth = channel.rows("validation")
channel.report(1, 1, "logLoss", validate=log_loss(truth, pipeline.predict_proba(unseen)))

graph = to_onnx(
    pipeline,
    initial_types=[("inputs", FloatTensorType([None, inputs.shape[1]]))],
    # Probabilities as a tensor instead of a list of dictionaries.
    options={"zipmap": False},
)
with open(channel.model_path("model.onnx"), "wb") as file:
    file.write(graph.SerializeToString())
