"""A Bayesian network from many files, none of which has to be where the others are.

What a fit needs to know of rows is a value, and values add up, bit for bit: so each file can be looked at by another
process or machine.  The same three lines work by hand, with a pool of processes, with Dask, Spark or Ray.
"""

import operator
import tempfile
from functools import reduce
from pathlib import Path

import numpy as np

from chainrule import BayesianNetwork, Table, chow_liu, workers

GRAPH = "smoker -> cough; age -> cough"


def write_surveys(folder: Path, n_files: int = 6, n_rows: int = 500) -> list[Path]:
    """Some clinics' tables, one CSV file each."""
    rng, paths = np.random.default_rng(0), []
    for k in range(n_files):
        smoker, old = rng.random(n_rows) < 0.3, rng.random(n_rows) < 0.4
        cough = rng.random(n_rows) < 0.1 + 0.4 * smoker + 0.2 * old
        rows = zip(smoker, old, cough, strict=True)
        lines = [f"{'yes' if s else 'no'},{'60+' if o else '<60'},{'yes' if c else 'no'}" for s, o, c in rows]
        paths.append(folder / f"clinic{k}.csv")
        paths[-1].write_text("\n".join(["smoker,age,cough", *lines]) + "\n")
    return paths


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = write_surveys(Path(folder))

        # by hand: what occurs, then how often; map and add, in any order
        schema = reduce(operator.add, map(Table.counts, files)).schema()
        network = BayesianNetwork(GRAPH, schema=schema)
        counts = reduce(operator.add, map(network.count, files))
        by_hand = network.fit_counts(counts)

        # the same by two processes of this machine; a dask.distributed.Client goes in the same place
        with workers(2) as client:
            fitted = BayesianNetwork(GRAPH).fit(files, client=client)
            tree = chow_liu(files, client=client)

        assert all((by_hand.tables_[v] == fitted.tables_[v]).all() for v in fitted.tables_)
        print(
            f"{fitted.fit_info_['n_rows']:,} rows of {len(files)} files, counted twice, bit for bit the same"
        )
        print(fitted.query("cough", {"smoker": "yes", "age": "60+"}).text())
        print("the best tree:", ", ".join(f"{a} - {b}" for a, b in tree.dag_.edges))


if __name__ == "__main__":
    main()
