"""Learn the joint distribution of handwritten digits, score new ones, draw some, and complete half of one.

python examples/complete_digits.py        # about 5 seconds; uses the digits that scikit-learn ships
"""

import numpy as np

from chainrule import NADE, Independent, load_data


def show(*rows: np.ndarray) -> None:
    """Images of 8×8 pixels side by side."""
    for line in range(8):
        print("   ".join("".join(" █"[v] * 2 for v in row.reshape(8, 8)[line]) for row in rows))
    print()


digits = load_data("digits")
nade = NADE(hidden=100, epochs=60, random_state=0).fit(digits.train, valid=digits.valid)
pixels = Independent(pseudocount=1).fit(digits.train)
print(f"test log-likelihood in nats per image: NADE {nade.score(digits.test):.2f}, ", end="")
print(f"independent pixels {pixels.score(digits.test):.2f}\n")

print("four draws:")
show(*nade.sample(4, rng=0))

print("an image it has not seen, and three ways to complete its upper half:")
image = digits.test[3]
upper = np.where(np.arange(64) < 32, image, np.nan)
show(image, *nade.sample(3, given=upper, rng=1))
print(f"log-probability of the upper half alone: {nade.log_prob(upper[None])[0]:.2f} nats")
