"""Bayesian networks of genotypes, of the kinds of pigs and link in the bnlearn repository, made here by Mendel's laws.

Animals are numbered by birth; parents are two of the few born before, and those without parents are *founders*.

    pedigree    a variable of three states for each animal: how many of its two alleles are A
    linkage     at each of several loci, of each animal: the allele from either parent, which of its own two alleles
                that parent passed on (mostly those of one strand: neighbouring loci are linked), and what is observed
"""

from __future__ import annotations

import numpy as np

from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = ["linkage", "pedigree"]

_CROSSING = 0.1  # probability that the next locus comes from the other strand
_ALLELES = 3
_SEEN = np.array([0.05, 0.5, 0.9])  # probability of the trait by how many of the two alleles are the first


def pedigree(n: int, founders: int, near: int, seed: int = 0) -> BayesianNetwork:
    """``n`` animals, parents among the ``near`` born last."""
    parents = _parents(n, founders, near, np.random.default_rng(seed))
    passed = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])  # p(allele | genotype)
    child = np.zeros((3, 3, 3))
    for x in range(2):
        for y in range(2):
            child[..., x + y] += np.outer(passed[:, x], passed[:, y])
    names = [f"x{i + 1}" for i in range(n)]
    edges = [(names[u], names[i]) for i, above in parents.items() for u in above]
    tables = {v: child if i in parents else np.array([0.25, 0.5, 0.25]) for i, v in enumerate(names)}
    return BayesianNetwork.from_tables(DAG(edges, names), dict.fromkeys(names, 3), tables)


def linkage(n: int, founders: int, near: int, loci: int, seed: int = 0) -> BayesianNetwork:
    """``n`` animals at ``loci``, parents among the ``near`` born last; of founders no strand is passed on."""
    rng = np.random.default_rng(seed)
    parents = _parents(n, founders, near, rng)
    edges: list[tuple[str, str]] = []
    tables: dict[str, np.ndarray] = {}
    k = np.arange(_ALLELES)
    copied = np.zeros((_ALLELES, _ALLELES, 2, _ALLELES))
    copied[k, :, 0, k] = copied[:, k, 1, k] = 1.0
    trait = _SEEN[np.add.outer(k == 0, k == 0).astype(int)]
    for locus in range(loci):
        for i in range(n):
            alleles = [f"a{locus}_{i}_{side}" for side in range(2)]
            for side, allele in enumerate(alleles):
                if i not in parents:
                    tables[allele] = rng.dirichlet(np.full(_ALLELES, 3.0))
                    continue
                strand, of = f"s{locus}_{i}_{side}", parents[i][side]
                if locus:
                    edges.append((f"s{locus - 1}_{i}_{side}", strand))
                same = 1 - _CROSSING
                tables[strand] = (
                    np.array([[same, _CROSSING], [_CROSSING, same]]) if locus else np.full(2, 0.5)
                )
                edges += [(f"a{locus}_{of}_0", allele), (f"a{locus}_{of}_1", allele), (strand, allele)]
                tables[allele] = copied
            seen = f"y{locus}_{i}"
            edges += [(allele, seen) for allele in alleles]
            tables[seen] = np.stack([1 - trait, trait], axis=-1)
    dag, above = DAG(edges, list(tables)), {v: [a for a, b in edges if b == v] for v in tables}
    in_order = {
        v: table.transpose([*(above[v].index(u) for u in dag.parents(v)), table.ndim - 1])
        for v, table in tables.items()
    }
    return BayesianNetwork.from_tables(dag, {v: t.shape[-1] for v, t in tables.items()}, in_order)


def _parents(n: int, founders: int, near: int, rng: np.random.Generator) -> dict[int, list[int]]:
    """Two of the ``near`` born last for each animal that is no founder; the first ones are, the others at random."""
    first = min(near, founders)
    later = rng.choice(np.arange(first, n), founders - first, replace=False)
    others = sorted({*range(first, n)} - set(later.tolist()))
    return {i: rng.choice(np.arange(max(0, i - near), i), 2, replace=False).tolist() for i in others}
