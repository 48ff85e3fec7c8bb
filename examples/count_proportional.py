"""Two exact distributions over black-and-white images, and a network that learns one of them from labels.

    python examples/count_proportional.py

Runs in a few seconds; the last line shows the total variation, about 0.01 (uniform images are at 0.137).
"""

from __future__ import annotations

import numpy as np

from chainrule.evaluate import all_states, exact_table, total_variation
from chainrule.homework import CountProportional, MLPDensity


def show(images: np.ndarray, height: int, width: int) -> None:
    """Images side by side, black as ##."""
    for line in images.reshape(-1, height, width).transpose(1, 0, 2):
        print("   ".join("".join("##" if pixel else " ·" for pixel in row) for row in line))
    print()


for seed, rule in enumerate(("image", "count")):
    model = CountProportional(3, 3, rule)
    print(f"rule {rule!r}: p(count) =", *model.exact_count_pmf())
    show(model.sample(5, rng=seed), 3, 3)

# Exact at any size: nothing is enumerated.  NaN is a pixel to be filled in, given the others.
large = CountProportional(28, 28)
draw = large.sample(1, rng=2)
print(f"28 × 28: log p = {large.log_prob(draw)[0]:.2f} nats with {draw.sum()} black pixels\n")

# A network that sees 200 images with their probabilities, normalised over all 512.
truth = CountProportional(3, 3)
images = all_states(9)
seen = np.random.default_rng(3).choice(512, 200, replace=False)
labels = np.exp(truth.log_prob(images[seen]))
network = MLPDensity([64, 32], epochs=500, random_state=0).fit(images[seen], labels)
show(network.sample(5, rng=4), 3, 3)
print(f"total variation to the truth: {total_variation(exact_table(truth, 9), exact_table(network)):.4f}")
