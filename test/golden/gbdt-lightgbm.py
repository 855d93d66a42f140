"""Golden predictions of the gbdt trainer: LightGBM's on small data, with parameters under which both count alike.

Written with Python 3.11, lightgbm 4.7.0, numpy 2.4.6 (bench/peers/lightgbm/setup.sh makes such an environment):
    python test/golden/gbdt-lightgbm.py > test/golden/gbdt-lightgbm.json

LightGBM estimates the rows of a bin from its sum of second derivatives, which is exact for regression without weights;
the binary and the weighted case therefore leave limits on rows out of play.
"""

import json

import lightgbm
import numpy

rng = numpy.random.default_rng(7)
ROWS = 500

age = rng.integers(18, 80, ROWS).astype(float)
income = numpy.round(rng.lognormal(3, 0.8, ROWS), 1)
change = numpy.round(rng.normal(0, 2, ROWS), 2)
region = rng.integers(0, 12, ROWS).astype(float)
plan = rng.integers(0, 3, ROWS).astype(float)
income[rng.random(ROWS) < 0.15] = numpy.nan
effect = rng.normal(0, 1, 12)[region.astype(int)]
score = (
    0.04 * (age - 50)
    + numpy.where(numpy.isnan(income), 1.2, 0.03 * (numpy.nan_to_num(income) - 20))
    - 0.3 * numpy.abs(change)
    + effect
    + numpy.where(plan == 1, 0.8, 0)
)
flag = (rng.random(ROWS) < 1 / (1 + numpy.exp(-score))).astype(float)
amount = numpy.round(10 * score + rng.normal(0, 3, ROWS), 2)
weights = rng.integers(1, 5, ROWS).astype(float)

names = ["age", "income", "change", "region", "plan"]
matrix = numpy.column_stack([age, income, change, region, plan])
unlimited = {"minRowsPerLeaf": 1, "minRowsPerCategoryGroup": 1, "categorySmoothing": 0.5, "minHessianPerLeaf": 1}

# Our option names → LightGBM's.
OPTIONS = {
    "trees": "num_iterations",
    "leaves": "num_leaves",
    "learningRate": "learning_rate",
    "maxDepth": "max_depth",
    "minRowsPerLeaf": "min_data_in_leaf",
    "minHessianPerLeaf": "min_sum_hessian_in_leaf",
    "l1": "lambda_l1",
    "l2": "lambda_l2",
    "minSplitGain": "min_gain_to_split",
    "categorySmoothing": "cat_smooth",
    "categoryL2": "cat_l2",
    "minRowsPerCategoryGroup": "min_data_per_group",
}

CASES = [
    {"name": "regression with the default limits", "task": "regression", "options": {"trees": 20, "leaves": 15}},
    {
        "name": "regression with penalties and a limited depth",
        "task": "regression",
        "options": {"trees": 15, "leaves": 31, "maxDepth": 4, "l1": 3, "l2": 5, "minSplitGain": 20, "minRowsPerLeaf": 5},
    },
    {
        "name": "small groups of categories",
        "task": "regression",
        "options": {"trees": 10, "leaves": 8, "minRowsPerLeaf": 5, "minRowsPerCategoryGroup": 10, "categoryL2": 1, "categorySmoothing": 2},
    },
    {"name": "weighted regression", "task": "regression", "weighted": True, "options": {"trees": 10, "leaves": 8, **unlimited, "minHessianPerLeaf": 20}},
    {"name": "binary", "task": "binary", "options": {"trees": 20, "leaves": 10, **unlimited}},
    {"name": "weighted binary", "task": "binary", "weighted": True, "options": {"trees": 10, "leaves": 6, "learningRate": 0.3, **unlimited}},
]

for case in CASES:
    parameters = {OPTIONS[name]: value for name, value in case["options"].items()}
    trees = parameters.pop("num_iterations")
    parameters |= {"objective": case["task"], "num_threads": 1, "deterministic": True, "verbose": -1}
    if parameters.get("min_data_in_leaf", 20) < 3:
        parameters["min_data_in_bin"] = parameters["min_data_in_leaf"]
    data = lightgbm.Dataset(
        matrix,
        flag if case["task"] == "binary" else amount,
        weight=weights if case.get("weighted") else None,
        categorical_feature=[3, 4],
        params=parameters,
    )
    case["predictions"] = lightgbm.train(parameters, data, num_boost_round=trees).predict(matrix).tolist()

print(
    json.dumps(
        {
            "lightgbm": lightgbm.__version__,
            "columns": [
                {"name": name, "kind": "categorical" if cardinality else "numeric", "cardinality": cardinality}
                for name, cardinality in zip(names, [0, 0, 0, 12, 3])
            ],
            "values": [[None if numpy.isnan(x) else x for x in column] for column in matrix.T.tolist()],
            "targets": {"regression": amount.tolist(), "binary": flag.tolist()},
            "weights": weights.tolist(),
            "cases": CASES,
        },
        separators=(",", ":"),
    )
)
