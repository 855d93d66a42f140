"""LightGBM, with early stopping by the validation channel."""

import argparse

import channel
import lightgbm

parser = argparse.ArgumentParser()
parser.add_argument("--leaves", type=int, default=31)
parser.add_argument("--rate", type=float, default=0.1)
parser.add_argument("--rounds", type=int, default=100)
parser.add_argument("--patience", type=int, default=20)
options = parser.parse_args()

about = channel.features()
names = [feature["column"] for feature in about["features"]]
categorical = [feature["column"] for feature in about["features"] if feature["kind"] == "categorical"]
train, validation = channel.rows("train"), channel.rows("validation")
data = lightgbm.Dataset(*train, feature_name=names, categorical_feature=categorical)


def tell(step):
    losses = {name: loss for name, _, loss, _ in step.evaluation_result_list}
    channel.report(step.iteration + 1, options.rounds, "logLoss", validate=losses["validation"])


booster = lightgbm.train(
    {
        "objective": "binary",
        "num_leaves": options.leaves,
        "learning_rate": options.rate,
        "seed": about["seed"] % 2**31,
        # More threads than SM_NUM_CPUS says would be rude; for so few rows one is the fastest.
        "num_threads": 1,
        # Sums in the same order whatever the number of threads: `slipway reproduce` compares bytes.
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    },
    data,
    num_boost_round=options.rounds,
    valid_sets=[lightgbm.Dataset(*validation, reference=data)],
    valid_names=["validation"],
    callbacks=[tell, lightgbm.early_stopping(options.patience, verbose=False)],
)
# Trees behind the best iteration are cut off: everything in the file counts.
booster.save_model(channel.model_path("model.txt"), num_iteration=booster.best_iteration)
