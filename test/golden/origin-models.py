"""Golden models and predictions of LightGBM, XGBoost and onnxruntime, for the readers of their files.

Written with Python 3.11, lightgbm 4.7.0, xgboost 3.2.0, onnxruntime 1.31.1, onnx 1.23.2, scikit-learn 1.9.1,
skl2onnx 1.20.0, onnxmltools 1.16.0, numpy 2.4.6, pandas 3.1.1:
    python test/golden/origin-models.py > test/golden/origin-models.json

Each case has the model's file (base64, or text), rows (null is missing), and what its origin answers for them.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

import lightgbm
import numpy
import onnx
import onnxruntime
import pandas
import xgboost

rng = numpy.random.default_rng(11)
ROWS, SHOWN = 300, 24
scratch = Path(tempfile.mkdtemp())

x = numpy.round(rng.normal(0, 2, (ROWS, 4)), 3)
x[:, 1] = rng.integers(-3, 4, ROWS)
x[rng.random((ROWS, 4)) < 0.1] = numpy.nan
x[rng.random((ROWS, 4)) < 0.1] = 0
score = numpy.nan_to_num(x[:, 0]) - 0.5 * numpy.nan_to_num(x[:, 2], nan=3) + (numpy.nan_to_num(x[:, 1]) > 0)
noisy = score + rng.normal(0, 0.5, ROWS)
TARGETS = {
    "binary": (noisy > 0).astype(float),
    "classes": numpy.digitize(noisy, [-1, 1]).astype(float),
    "positive": numpy.exp(noisy / 3) + 0.1,
    "count": rng.poisson(numpy.exp(noisy / 4)).astype(float),
    "value": noisy,
}
frame = pandas.DataFrame(
    {
        "size": x[:, 0],
        "colour": pandas.Categorical(rng.choice(["red", "green", "blue", "deep sea"], ROWS)),
        "floor": pandas.Categorical(rng.choice([1, 2, 5, 9], ROWS)),
    }
)
frame.loc[rng.random(ROWS) < 0.1, "colour"] = None
framed = noisy + frame.colour.cat.codes.to_numpy() * 1.5 + frame.floor.cat.codes.to_numpy() % 2
codes = x.copy()
codes[:, 1] = rng.integers(0, 40, ROWS)
coded = noisy + numpy.sin(codes[:, 1])

cases = []


def rows_of(matrix):
    return [[None if numpy.isnan(value) else float(value) for value in row] for row in matrix[:SHOWN]]


def records_of(table):
    return [
        [None if pandas.isna(value) else (str(value) if isinstance(value, str) else float(value)) for value in row]
        for row in table.head(SHOWN).itertuples(index=False)
    ]


def add(name, form, content, rows, expected, **more):
    expected = numpy.asarray(expected, dtype=numpy.float64).reshape(len(rows), -1 if rows else 0)
    file = {"text": content} if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}
    cases.append({"name": name, "format": form, **file, "rows": rows, "expected": expected.tolist(), **more})


# LightGBM

def lgb(name, target, **parameters):
    options = {"num_leaves": 6, "min_data_in_leaf": 5, "verbose": -1, "seed": 1, "num_threads": 1, **parameters}
    trained = lightgbm.train(options, lightgbm.Dataset(x, target), 5)
    add(name, "lightgbm", trained.model_to_string(), rows_of(x), trained.predict(x[:SHOWN]))


lgb("regression", TARGETS["value"], objective="regression")
lgb("regression, sqrt", TARGETS["value"], objective="regression", reg_sqrt=True)
lgb("l1", TARGETS["value"], objective="regression_l1")
lgb("zero as missing", TARGETS["value"], objective="regression", zero_as_missing=True)
lgb("no missing values", TARGETS["value"], objective="regression", use_missing=False)
lgb("binary, sigmoid 2", TARGETS["binary"], objective="binary", sigmoid=2)
lgb("cross entropy", TARGETS["binary"], objective="cross_entropy")
lgb("cross entropy lambda", TARGETS["binary"], objective="cross_entropy_lambda")
lgb("poisson", TARGETS["count"], objective="poisson")
lgb("gamma", TARGETS["positive"], objective="gamma")
lgb("tweedie", TARGETS["positive"], objective="tweedie")
lgb("multiclass", TARGETS["classes"], objective="multiclass", num_class=3)
lgb("multiclass one against all", TARGETS["classes"], objective="multiclassova", num_class=3, sigmoid=1.5)
lgb("dart", TARGETS["value"], objective="regression", boosting="dart", drop_rate=0.5)
lgb("random forest, binary", TARGETS["binary"], objective="binary", boosting="rf", bagging_freq=1, bagging_fraction=0.6)
lgb("random forest", TARGETS["value"], objective="regression", boosting="rf", bagging_freq=1, bagging_fraction=0.6)
lgb("a single leaf", TARGETS["value"], objective="regression", min_data_in_leaf=200)

options = {"objective": "regression", "num_leaves": 6, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}
options |= {"min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 1}
trained = lightgbm.train(options, lightgbm.Dataset(frame, framed), 5)
add("pandas categories", "lightgbm", trained.model_to_string(), records_of(frame), trained.predict(frame.head(SHOWN)), records=True)
trained = lightgbm.train(options, lightgbm.Dataset(codes, coded, categorical_feature=[1]), 5)
odd = codes.copy()
odd[:6, 1] = [-1, 2.7, 1000, numpy.nan, -0.5, 1e12]
add("categories as codes", "lightgbm", trained.model_to_string(), rows_of(odd), trained.predict(odd[:SHOWN]))

# XGBoost


def xgb(name, target, form="json", table=None, shown=None, **parameters):
    table = x if table is None else table
    shown = table if shown is None else shown
    options = {"max_depth": 3, "eta": 0.4, "nthread": 1, "seed": 1, **parameters}
    framed = isinstance(table, pandas.DataFrame)
    matrix = lambda of: xgboost.DMatrix(of, enable_categorical=True) if framed else xgboost.DMatrix(of)
    data = matrix(table)
    data.set_label(target)
    if parameters.get("feature_types"):
        data.feature_types = options.pop("feature_types")
    trained = xgboost.train(options, data, 5)
    path = scratch / f"model.{form}"
    trained.save_model(path)
    content = path.read_text() if form == "json" else path.read_bytes()
    asked = matrix(shown[:SHOWN] if not framed else shown.head(SHOWN))
    if data.feature_types and not framed:
        asked.feature_types = data.feature_types
    expected = trained.predict(asked)
    if parameters.get("objective") == "multi:softmax":
        expected = trained.predict(asked, output_margin=True)
        expected = numpy.exp(expected) / numpy.exp(expected).sum(axis=1, keepdims=True)
    rows = records_of(shown) if framed else rows_of(shown)
    add(name, f"xgboost-{form}", content, rows, expected, records=framed)


for form in ["json", "ubj"]:
    xgb("squared error", TARGETS["value"], form, objective="reg:squarederror")
    xgb("softprob", TARGETS["classes"], form, objective="multi:softprob", num_class=3)
    xgb("categories by name", framed, form, table=frame, objective="reg:squarederror", max_cat_to_onehot=2)
    xgb("dart", TARGETS["value"], form, objective="reg:squarederror", booster="dart", rate_drop=0.5)
xgb("logistic", TARGETS["binary"], objective="binary:logistic")
xgb("logistic from 0.3", TARGETS["binary"], objective="binary:logistic", base_score=0.3)
xgb("logistic, raw", TARGETS["binary"], objective="binary:logitraw")
xgb("logistic, raw, from 0.3", TARGETS["binary"], objective="binary:logitraw", base_score=0.3)
xgb("hinge", TARGETS["binary"], objective="binary:hinge")
xgb("softmax", TARGETS["classes"], objective="multi:softmax", num_class=3)
xgb("poisson", TARGETS["count"], objective="count:poisson")
xgb("gamma", TARGETS["positive"], objective="reg:gamma")
xgb("tweedie", TARGETS["positive"], objective="reg:tweedie")
xgb("cox", TARGETS["positive"], objective="survival:cox")
xgb("absolute error", TARGETS["value"], objective="reg:absoluteerror")
xgb("boosted random forest", TARGETS["value"], objective="reg:squarederror", num_parallel_tree=3, subsample=0.7)
xgb("exact", TARGETS["value"], objective="reg:squarederror", tree_method="exact", max_depth=5)
odd = codes.copy()
odd[:5, 1] = [-1, 2.7, 1000, numpy.nan, 39.99999999]
xgb("categories as codes", coded, table=codes, shown=codes, objective="reg:squarederror", tree_method="hist",
    feature_types=["float", "c", "float", "float"], max_cat_to_onehot=2)

linear = xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(numpy.nan_to_num(x), TARGETS["value"]), 2)
linear.save_model(scratch / "linear.json")
add("gblinear", "xgboost-json", (scratch / "linear.json").read_text(), [], [], refused="gblinear")
several = xgboost.train({"multi_strategy": "multi_output_tree", "tree_method": "hist"},
                        xgboost.DMatrix(x, numpy.stack([TARGETS["value"], TARGETS["count"]], 1)), 2)
pair = xgboost.train({"max_depth": 3}, xgboost.DMatrix(x, numpy.stack([TARGETS["value"], TARGETS["count"]], 1)), 3)
pair.save_model(scratch / "pair.json")
add("several targets, a tree each", "xgboost-json", (scratch / "pair.json").read_text(), rows_of(x), pair.predict(xgboost.DMatrix(x[:SHOWN])))
several.save_model(scratch / "several.json")
add("vector leaves", "xgboost-json", (scratch / "several.json").read_text(), [], [], refused="multi_output_tree")
linear_trees = lightgbm.train({"objective": "regression", "linear_tree": True, "verbose": -1, "num_leaves": 4},
                              lightgbm.Dataset(numpy.nan_to_num(x), TARGETS["value"]), 2)
add("linear trees", "lightgbm", linear_trees.model_to_string(), [], [], refused="linear_tree")

# ONNX

import warnings

warnings.filterwarnings("ignore")
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier

filled = numpy.nan_to_num(x).astype(numpy.float32)
labels = numpy.array(["low", "middle", "high"])[TARGETS["classes"].astype(int)]


def ask(model, rows, **more):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    answers = session.run(None, {session.get_inputs()[0].name: rows})
    answer = answers[-1]
    if isinstance(answer, list):
        answer = numpy.array([list(row.values()) for row in answer])
    return numpy.asarray(answer)


def onx(name, model, rows=filled, pick=None, **more):
    # One row at a time: onnxruntime adds up in another order over a batch.
    expected = numpy.concatenate([ask(model, rows[i : i + 1]).reshape(1, -1) for i in range(SHOWN)])
    if pick is not None:
        expected = expected[:, pick : pick + 1]
    add(name, "onnx", model.SerializeToString(), rows_of(rows.astype(float)), expected, **more)


def sk(name, estimator, target, rows=filled, pick=None, options=None):
    estimator.fit(rows, target)
    given = {} if options is None else {"options": {id(estimator): options}}
    onx(name, to_onnx(estimator, rows[:1], **given), rows, pick)


missing = x.astype(numpy.float32)
for estimator in [RandomForestClassifier, ExtraTreesClassifier]:
    sk(f"{estimator.__name__}, two classes", estimator(7, max_depth=4, random_state=1), TARGETS["binary"].astype(int), pick=1)
sk("RandomForestClassifier, labels", RandomForestClassifier(7, max_depth=4, random_state=1), labels)
sk("without ZipMap", RandomForestClassifier(7, max_depth=4, random_state=1), labels, options={"zipmap": False})
sk("DecisionTreeClassifier", DecisionTreeClassifier(max_depth=4, random_state=1), labels)
sk("RandomForestRegressor", RandomForestRegressor(7, max_depth=4, random_state=1), TARGETS["value"])
sk("GradientBoostingRegressor", GradientBoostingRegressor(n_estimators=7, random_state=1), TARGETS["value"])
sk("GradientBoostingClassifier", GradientBoostingClassifier(n_estimators=7, random_state=1), TARGETS["binary"].astype(int), pick=1)
sk("GradientBoostingClassifier, three classes", GradientBoostingClassifier(n_estimators=5, random_state=1), labels)

types = [("input", ToolsFloat([None, 4]))]
quick = {"n_estimators": 5, "num_leaves": 6, "verbose": -1}
onx("LGBMClassifier", convert_lightgbm(lightgbm.LGBMClassifier(**quick).fit(missing, TARGETS["binary"].astype(int)), initial_types=types), missing, pick=1)
onx("LGBMClassifier, three classes", convert_lightgbm(lightgbm.LGBMClassifier(**quick).fit(missing, TARGETS["classes"].astype(int)), initial_types=types), missing)
onx("LGBMRegressor", convert_lightgbm(lightgbm.LGBMRegressor(**quick).fit(missing, TARGETS["value"]), initial_types=types), missing)


def trees(name, rows=missing, pick=None, **attributes):
    onx(name, make_trees(rows=rows, **attributes), rows, pick=pick)


def make_trees(op="TreeEnsembleRegressor", rows=missing, outputs=("y",), **attributes):
    """Two stumps and a deeper tree over four features."""
    modes = attributes.pop("modes", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"])
    base = {
        "nodes_treeids": [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2],
        "nodes_nodeids": [0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4],
        "nodes_featureids": [0, 0, 0, 1, 0, 0, 2, 0, 3, 0, 0],
        "nodes_modes": [modes[0], "LEAF", "LEAF", modes[1], "LEAF", "LEAF", modes[2], "LEAF", modes[3], "LEAF", "LEAF"],
        "nodes_values": [0.1, 0, 0, 1.0, 0, 0, -0.5, 0, 0.0, 0, 0],
        "nodes_truenodeids": [1, 0, 0, 1, 0, 0, 1, 0, 3, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 2, 0, 0, 2, 0, 4, 0, 0],
    }
    base.update(attributes)
    kind = TensorProto.FLOAT
    if rows.dtype == numpy.float64:
        kind = TensorProto.DOUBLE
        for floats in ["nodes_values", "target_weights"]:
            base[f"{floats}_as_tensor"] = helper.make_tensor(floats, kind, [len(base[floats])], base.pop(floats))
    node = helper.make_node(op, ["x"], list(outputs), domain="ai.onnx.ml", **base)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", kind, [None, 4])],
        [helper.make_tensor_value_info(out, TensorProto.INT64 if out == "label" else TensorProto.FLOAT, None) for out in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)], ir_version=8)
    return model


leaves = {
    "target_treeids": [0, 0, 1, 1, 2, 2, 2],
    "target_nodeids": [1, 2, 1, 2, 1, 3, 4],
    "target_ids": [0] * 7,
    "target_weights": [0.3, -0.2, 1.7, 0.11, -0.9, 0.01, 2.5],
    "n_targets": 1,
}
trees("four comparisons", **leaves)
trees("in double", rows=x + 1e-9, **leaves)
trees("missing goes the true way", nodes_missing_value_tracks_true=[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], **leaves)
trees("equal and not equal", modes=["BRANCH_EQ", "BRANCH_NEQ", "BRANCH_NEQ", "BRANCH_EQ"], nodes_values=[0, 0, 0, 1.0, 0, 0, 0, 0, 0.0, 0, 0], **leaves)
for aggregate in ["AVERAGE", "MIN", "MAX"]:
    trees(f"aggregate {aggregate}", aggregate_function=aggregate, base_values=[0.25], **leaves)
classes = {"class_treeids": leaves["target_treeids"], "class_nodeids": leaves["target_nodeids"], "class_weights": leaves["target_weights"]}
positive = {**classes, "class_weights": [abs(weight) / 9 for weight in leaves["target_weights"]]}
two = {"op": "TreeEnsembleClassifier", "outputs": ("label", "y"), "classlabels_int64s": [0, 1]}
three = {**two, "classlabels_int64s": [0, 1, 2], "class_ids": [0, 1, 2, 0, 1, 1, 2]}
add("logistic regressor", "onnx", make_trees(post_transform="LOGISTIC", **leaves).SerializeToString(), [], [], refused="LOGISTIC")
add("weights for one of two classes", "onnx", make_trees(**two, class_ids=[0, 1, 1, 0, 1, 1, 0], **classes).SerializeToString(), [], [], refused="weights for both")
trees("binary, mixed weights, logistic", post_transform="LOGISTIC", class_ids=[1] * 7, pick=1, **two, **classes)
trees("binary, positive weights", class_ids=[1] * 7, pick=1, **two, **positive)
trees("three classes, softmax", post_transform="SOFTMAX", **three, **classes)
trees("three classes, logistic", post_transform="LOGISTIC", base_values=[0.1, 0.2, -0.3], **three, **classes)
both = {name: [value for value in values for _ in range(2)] for name, values in classes.items()}
both["class_weights"] = [weight * (i % 2 or -0.7) for i, weight in enumerate(both["class_weights"])]
for transform in ["NONE", "SOFTMAX", "LOGISTIC"]:
    trees(f"two classes with weights for both, {transform}", post_transform=transform, **two, class_ids=[0, 1] * 7, **both, pick=1 if transform == "NONE" else None)
json.dump(cases, sys.stdout)
