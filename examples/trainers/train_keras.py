"""A small Keras network that looks at an image and at the columns beside it, written as an ONNX graph by tf2onnx."""

import argparse

import channel
import numpy
import tensorflow
import tf2onnx

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--rate", type=float, default=0.001)
options = parser.parse_args()

about = channel.features()
keras = tensorflow.keras
keras.utils.set_random_seed(about["seed"] % 2**31)
tensorflow.config.experimental.enable_op_determinism()

SIDE = 8
PIXELS = SIDE * SIDE
# The columns come in the order of the features: first what stands beside the image, then its pixels.
BESIDE = len(about["features"]) - PIXELS


def parts(name):
    inputs, target = channel.rows(name)
    inputs = numpy.nan_to_num(inputs).astype("float32")
    return [inputs[:, :BESIDE], inputs[:, BESIDE:]], target.astype("float32")


beside = keras.Input((BESIDE,), name="beside")
image = keras.Input((PIXELS,), name="image")
seen = keras.layers.Reshape((SIDE, SIDE, 1))(image)
seen = keras.layers.Conv2D(8, 3, activation="relu")(seen)
seen = keras.layers.Conv2D(16, 3, activation="relu")(seen)
seen = keras.layers.GlobalAveragePooling2D()(seen)
both = keras.layers.Concatenate()([keras.layers.BatchNormalization()(beside), seen])
both = keras.layers.Dense(16, activation="relu")(both)
network = keras.Model([beside, image], keras.layers.Dense(1, activation="sigmoid")(both))
network.compile(keras.optimizers.Adam(options.rate), "binary_crossentropy")


class Progress(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        channel.report(epoch + 1, options.epochs, "logLoss", train=logs["loss"], validate=logs["val_loss"])


network.fit(
    *parts("train"),
    validation_data=parts("validation"),
    batch_size=64,
    epochs=options.epochs,
    verbose=0,
    callbacks=[Progress()],
)
signature = [
    tensorflow.TensorSpec((None, BESIDE), tensorflow.float32, name="beside"),
    tensorflow.TensorSpec((None, PIXELS), tensorflow.float32, name="image"),
]
predict = tensorflow.function(
    lambda beside, image: network([beside, image], training=False), input_signature=signature
)
tf2onnx.convert.from_function(
    predict, input_signature=signature, opset=17, output_path=channel.model_path("model.onnx")
)
