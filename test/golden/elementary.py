"""Golden values of the kernel's elementary functions, correctly rounded.

Written with Python 3.11 and mpmath 1.4.1:  python test/golden/elementary.py > test/golden/elementary.json

Every double is the 16 hexadecimal digits of its IEEE 754 bits, so that nothing is lost in decimal.
"""

import json
import random
import struct
import sys

import mpmath
from mpmath import mp, mpf

mp.prec = 2400
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 60
rng = random.Random(20260117)


def bits(x):
    return struct.pack(">d", x).hex()


def to_double(y):
    """Nearest double of an mpf, ties to even, subnormals and overflow included."""
    if y == 0:
        return 0.0
    sign, mantissa, exponent, size = y._mpf_
    mantissa = int(mantissa)
    drop = max(size - 53, -1074 - exponent)
    if drop > 0:
        if drop > size + 1:
            return -0.0 if sign else 0.0
        half = 1 << (drop - 1)
        rest = mantissa & ((1 << drop) - 1)
        mantissa >>= drop
        if rest > half or (rest == half and mantissa & 1):
            mantissa += 1
        exponent += drop
    try:
        value = float(mantissa) * 2.0 ** max(exponent, -1000) * 2.0 ** min(exponent + 1000, 0)
    except OverflowError:
        value = float("inf")
    if exponent + mantissa.bit_length() > 1024:
        value = float("inf")
    return -value if sign else value


def spread(low, high):
    """Both signs, evenly over the exponents between 2^low and 2^high."""
    return rng.choice([-1, 1]) * rng.uniform(1, 2) * 2.0 ** rng.randint(low, high)


def any_double():
    while True:
        x = struct.unpack(">d", rng.getrandbits(64).to_bytes(8, "big"))[0]
        if x == x and abs(x) != float("inf"):
            return x


def near(value, width):
    return value + rng.uniform(-width, width)


def many(*makers):
    return [make() for make in makers for _ in range(COUNT)]


exponential = many(lambda: rng.uniform(-745, 710), lambda: rng.uniform(-2, 2), lambda: spread(-60, 2))
positive = many(
    lambda: abs(any_double()),
    lambda: near(1, 0.6),
    lambda: near(1, 1e-6),
    lambda: abs(rng.uniform(0, 1000)),
    lambda: rng.uniform(0, 1) * 2.0**-1022,
)
CASES = {
    "exp": (mpmath.exp, exponential + [709.78271289338397, -745.13321910194110, 0.34657359027997264]),
    "expm1": (mpmath.expm1, exponential + many(lambda: near(0, 1.2)) + [-38.8, 709.7, 0.35, -0.35, 1.04]),
    "log": (mpmath.log, positive + [0.7071067811865476, 1.4142135623730951, 5e-324]),
    "log1p": (
        mpmath.log1p,
        [x for x in many(lambda: spread(-60, 4), lambda: near(0, 0.99), lambda: abs(any_double())) if x > -1],
    ),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), positive),
    "log10": (lambda x: mpmath.log(x) / mpmath.log(10), positive),
    "sin": (
        mpmath.sin,
        many(lambda: rng.uniform(-7, 7), lambda: spread(-30, 40), any_double)
        + [float(mpmath.pi * k / 2) for k in range(1, 40)]
        + [6381956970095103 * 2.0**797, 1.6e6, 1647099.5],
    ),
    "tanh": (mpmath.tanh, many(lambda: rng.uniform(-3, 3), lambda: spread(-40, 5))),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), exponential),
    "logit": (
        lambda p: mpmath.log(p / (1 - p)),
        [p for p in many(lambda: rng.random(), lambda: near(0.5, 1e-3), lambda: abs(spread(-300, -2))) if 0 < p < 1],
    ),
}
CASES["cos"] = (mpmath.cos, CASES["sin"][1])

golden = {
    name: [[bits(x), bits(to_double(function(mpf(x))))] for x in arguments]
    for name, (function, arguments) in CASES.items()
}

pairs = many(
    lambda: (rng.uniform(0, 10), rng.uniform(-20, 20)),
    lambda: (abs(any_double()), rng.uniform(-1, 1)),
    lambda: (near(1, 1e-7), spread(20, 33)),
    lambda: (-rng.uniform(0, 10), float(rng.randint(-30, 30))),
    lambda: (abs(any_double()), rng.choice([0.5, 1 / 3, -0.5, 2.0, 3.0, -1.0])),
    lambda: (rng.uniform(0, 1) * 2.0**-1022, rng.uniform(-1, 1)),
)
golden["pow"] = [[bits(x), bits(y), bits(to_double(mpf(x) ** mpf(y)))] for x, y in pairs]

print(json.dumps(golden, separators=(",", ":")))
