"""Golden predictions of the gbdt trainer: LightGBM's on small data, with parameters under which both count alike.

Written with Python 3.11, lightgbm 4.7.0, numpy 2.4.6 (bench/peers/lightgbm/setup.sh makes such an environment):
    python test/golden/gbdt-lightgbm.py > test/golden/gbdt-lightgbm.json

LightGBM estimates the rows of a bin from its sum of second derivatives, which is exact for regression without weights;
the binary and the weighted cases therefore leave limits on rows out of play. Its weighted quantiles are not those of the
weighted distribution, so that there is no case of them here.
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

# What came later is drawn last, so that the cases above it keep their data.
kind = numpy.clip(numpy.digitize(score + rng.normal(0, 0.7, ROWS), [-1, 0.3, 1.6]), 0, 3).astype(float)
count = rng.poisson(numpy.exp(0.4 * score)).astype(float)

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
    "alpha": "alpha",
}
OBJECTIVES = {"poisson": "poisson", "quantile": "quantile", "absolute": "regression_l1", "huber": "huber"}
TARGETS = {"binary": flag, "regression": amount, "multiclass": kind, "count": count}

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
    {"name": "multiclass", "task": "multiclass", "options": {"trees": 12, "leaves": 8, **unlimited}},
    {"name": "weighted multiclass", "task": "multiclass", "weighted": True, "options": {"trees": 8, "leaves": 6, "learningRate": 0.3, **unlimited}},
    {"name": "Poisson", "task": "regression", "target": "count", "options": {"objective": "poisson", "trees": 20, "leaves": 8, **unlimited}},
    {"name": "weighted Poisson", "task": "regression", "target": "count", "weighted": True, "options": {"objective": "poisson", "trees": 10, "leaves": 8, **unlimited}},
    {"name": "quantile 0.9", "task": "regression", "options": {"objective": "quantile", "alpha": 0.9, "trees": 25, "leaves": 8}},
    {"name": "quantile 0.2", "task": "regression", "options": {"objective": "quantile", "alpha": 0.2, "trees": 25, "leaves": 8, "learningRate": 0.3}},
    {"name": "absolute errors", "task": "regression", "options": {"objective": "absolute", "trees": 25, "leaves": 8}},
    {"name": "Huber", "task": "regression", "options": {"objective": "huber", "alpha": 4, "trees": 25, "leaves": 8}},
    {
        "name": "monotone constraints in a regression",
        "task": "regression",
        "options": {"trees": 20, "leaves": 12, "monotone": {"age": "increasing", "change": "decreasing"}},
    },
    {
        "name": "monotone constraints and penalties in a binary task",
        "task": "binary",
        "options": {"trees": 15, "leaves": 10, "l1": 1, "l2": 2, **unlimited, "monotone": {"age": "increasing", "income": "decreasing"}},
    },
    {"name": "no average to start from", "task": "binary", "options": {"trees": 10, "leaves": 6, "init": 0, **unlimited}},
]

for case in CASES:
    options = case["options"]
    parameters = {OPTIONS[name]: value for name, value in options.items() if name in OPTIONS}
    trees = parameters.pop("num_iterations")
    objective = OBJECTIVES[options["objective"]] if "objective" in options else case["task"]
    parameters |= {"objective": objective, "num_threads": 1, "deterministic": True, "verbose": -1}
    if case["task"] == "multiclass":
        parameters["num_class"] = 4
    if "monotone" in options:
        directions = {"increasing": 1, "decreasing": -1}
        parameters["monotone_constraints"] = [directions.get(options["monotone"].get(name), 0) for name in names]
    if options.get("init") == 0:
        parameters["boost_from_average"] = False
    if parameters.get("min_data_in_leaf", 20) < 3:
        parameters["min_data_in_bin"] = parameters["min_data_in_leaf"]
    data = lightgbm.Dataset(
        matrix,
        TARGETS[case.get("target", case["task"])],
        weight=weights if case.get("weighted") else None,
        categorical_feature=[3, 4],
        params=parameters,
    )
    # Classes side by side, row after row.
    case["predictions"] = lightgbm.train(parameters, data, num_boost_round=trees).predict(matrix).flatten().tolist()

print(
    json.dumps(
        {
            "lightgbm": lightgbm.__version__,
            "columns": [
                {"name": name, "kind": "categorical" if cardinality else "numeric", "cardinality": cardinality}
                for name, cardinality in zip(names, [0, 0, 0, 12, 3])
            ],
            "values": [[None if numpy.isnan(x) else x for x in column] for column in matrix.T.tolist()],
            "targets": {name: values.tolist() for name, values in TARGETS.items()},
            "weights": weights.tolist(),
            "cases": CASES,
        },
        separators=(",", ":"),
    )
)
