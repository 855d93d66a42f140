"""Trains 100 trees of 31 leaves on made-up flights and writes them as ONNX: python make_model.py OUT.onnx"""

import sys

import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

ROWS = 20_000
random = np.random.default_rng(1)
hour = random.integers(6, 23, ROWS)
weekday = random.integers(0, 7, ROWS)
distance = random.integers(100, 2_600, ROWS)
origin = random.integers(0, 10, ROWS)
destination = random.integers(0, 10, ROWS)
risk = 0.05 + 0.02 * (hour - 6) + 0.02 * origin + distance / 20_000
late = (random.random(ROWS) < risk).astype(int)
features = np.column_stack([hour, weekday, distance, np.log1p(distance), origin, destination]).astype(np.float32)

model = GradientBoostingClassifier(n_estimators=100, max_leaf_nodes=31, max_depth=None, min_samples_leaf=20, random_state=1)
model.fit(features, late)
onnx_model = to_onnx(model, features[:1], options={id(model): {"zipmap": False}}, target_opset=17)
with open(sys.argv[1], "wb") as file:
    file.write(onnx_model.SerializeToString())
