"""Masks for an autoencoder of any size, and the proof that no output looks ahead.

    python examples/made_masks.py

Takes a few seconds.  The last line printed is: 784 inputs, [500, 500] hidden: nothing looks ahead
"""

from chainrule.evaluate import check_factorization
from chainrule.homework.masks.worked_masks import explain_masks
from chainrule.models import MADE
from chainrule.models.made.masks import assign_degrees, build_masks, check_autoregressive
from chainrule.models.shared.ordering import parse_ordering


def main() -> None:
    """Four inputs worked step by step, a fitted model held to its promise, and a network of image size."""
    worked = explain_masks("x2,x4,x1,x3", [4, 4])
    print(worked.to_text())

    rows = [[0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 1, 1]]
    model = MADE(hidden=[4, 4], ordering="x2,x4,x1,x3", epochs=5, random_state=0).fit(rows)
    report = check_factorization(model, rng=0)
    print(model.factorization_.factorization().text())
    print(
        f"fitted network respects it: {report.respected}; parents without effect: {report.unused or 'none'}"
    )

    d, hidden = 784, [500, 500]
    order = parse_ordering("random", d, rng=0)
    masks = build_masks(order, assign_degrees(d, hidden, rng=1, scheme="random"))
    check_autoregressive(masks, order)  # raises, and names the pair, if any output looks ahead
    print(f"{d} inputs, {hidden} hidden: nothing looks ahead")


if __name__ == "__main__":
    main()
