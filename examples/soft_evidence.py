"""A report that may be wrong, a belief that has changed, and what an answer hangs on.

    python examples/soft_evidence.py

Holmes is called by a neighbour who says that the alarm of his house rings (Pearl 1988, chapter 2).  What the call is
worth is a likelihood; that he now holds the alarm to ring with probability 0.8 would be another thing.  Takes about a
second.
"""

from chainrule.models import BayesianNetwork

HOUSE = BayesianNetwork.from_tables(
    "burglary -> alarm <- earthquake -> radio",
    {name: ["no", "yes"] for name in ("burglary", "earthquake", "alarm", "radio")},
    {
        "burglary": [0.99, 0.01],
        "earthquake": [0.999, 0.001],
        "alarm": [[[0.999, 0.001], [0.7, 0.3]], [[0.05, 0.95], [0.02, 0.98]]],
        "radio": [[1.0, 0.0], [0.1, 0.9]],
    },
)


def main() -> None:
    """Ask the same question three times, then what else could explain it, and what the answer depends on."""
    print("the call is four times as likely if the alarm rings:")
    print(HOUSE.query("burglary", likelihood={"alarm": {"no": 1, "yes": 4}}).text())

    print("\nthe alarm rings with probability 0.8, whatever the network held:")
    print(HOUSE.query("burglary", jeffrey={"alarm": {"no": 0.2, "yes": 0.8}}).text())

    print("\nthe alarm rings, that is certain:")
    print(HOUSE.query("burglary", {"alarm": "yes"}).text())

    print()
    print(HOUSE.most_probable({"alarm": "yes"}, k=3).text())

    print()
    depends = HOUSE.sensitivity({"burglary": "yes"}, {"alarm": "yes"})
    print(depends.text(limit=4))
    print(depends.changes_text(0.5, limit=3))


if __name__ == "__main__":
    main()
