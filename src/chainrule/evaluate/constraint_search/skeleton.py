"""Who is joined: every pair is tested given sets of its neighbours, small sets first.

At level k a pair is tested given all sets of k variables that are joined to one of the two when the level begins, and
loses its edge at the end of the level where the largest of the p values is above alpha.  What is known ahead spares
tests: an edge that is required stays; a set only holds variables that may be parents of that one of the two, since the
parents of one of them separate the two if anything does.  A pair that may have no edge is tested all the same, for the
set that separates it, but does not count as joined.

A test that cannot tell ("untestable") takes no edge out.  Where rows are few, many edges stay for that alone, and
sets of their ends would be too many to try.  So an edge that no test has spoken for puts nobody into a set; and a pair
that could not be tested given any set of one size, from one variable on, is not tested given larger ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from chainrule.core.progress import track
from chainrule.evaluate.independence_report import IndependenceTest
from chainrule.graphs import Independence
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules

__all__ = ["Pair", "Skeleton", "StatementTest", "find_skeleton"]

StatementTest = Callable[[Independence], IndependenceTest]


@dataclass
class Pair:
    """Two variables u < v: whether they are ``joined``, ``barred`` from being so, or ``required`` to be.

    ``best`` is the test with the largest p value.
    """

    u: int
    v: int
    required: bool = False
    barred: bool = False
    joined: bool = True
    best: IndependenceTest | None = None
    n_tests: int = 0
    untestable: list[IndependenceTest] = field(default_factory=list)
    hopeless: bool = False  # larger sets are not tried

    def note(self, test: IndependenceTest) -> None:
        """Take a test in."""
        self.n_tests += 1
        if test.p_value is None:
            self.untestable.append(test)
        elif self.best is None or _rank(test) > _rank(self.best):
            self.best = test

    def is_separated(self, alpha: float) -> bool:
        """Whether some test so far is consistent with independence."""
        return self.best is not None and (self.best.p_value or 0.0) > alpha


def _rank(test: IndependenceTest) -> tuple[float, int, list[str]]:
    """Larger p values first, then smaller sets; names decide the rest, so that the order of columns does not."""
    return test.p_value or 0.0, -len(test.given), sorted(test.given)


@dataclass(frozen=True)
class Skeleton:
    """All pairs after the last level, and how large the largest sets were that they were tested given."""

    adjacent: list[set[int]]
    pairs: dict[tuple[int, int], Pair]
    largest_given: int


def find_skeleton(
    names: Sequence[str], test: StatementTest, rules: EdgeRules, alpha: float, max_given: int | None
) -> Skeleton:
    """Test pairs level by level, up to sets of ``max_given`` variables."""
    pairs = {(u, v): _pair(u, v, rules) for u, v in combinations(range(len(names)), 2)}
    adjacent = [{v for v in range(len(names)) if v != u} for u in range(len(names))]
    for pair in pairs.values():
        if pair.barred:
            _part(pair, adjacent)
    level = 0
    while max_given is None or level <= max_given:
        waiting = [pair for pair in pairs.values() if _is_open(pair, alpha)]
        near = _spoken_for(pairs.values(), adjacent) if level else adjacent
        asked = [(pair, list(_sets(pair, level, near, rules))) for pair in waiting]
        asked = [(pair, sets) for pair, sets in asked if sets]
        if not asked:
            break
        for pair, sets in track(asked, f"testing pairs given {level} columns"):
            before = len(pair.untestable)
            for given in sets:
                pair.note(test(_statement(pair, given, names)))
            pair.hopeless = level > 0 and len(pair.untestable) - before == len(sets)
        for pair, _ in asked:
            if pair.joined and pair.is_separated(alpha):
                _part(pair, adjacent)
        level += 1
    return Skeleton(adjacent, pairs, level - 1)


def _pair(u: int, v: int, rules: EdgeRules) -> Pair:
    required = bool(rules.required[v] >> u & 1 or rules.required[u] >> v & 1)
    return Pair(u, v, required, barred=not (rules.allowed[v] >> u & 1 or rules.allowed[u] >> v & 1))


def _statement(pair: Pair, given: tuple[int, ...], names: Sequence[str]) -> Independence:
    """Names in their own order, not that of the columns: rounding and random draws are then the same, too."""
    x, y = sorted((names[pair.u], names[pair.v]))
    return Independence((x,), (y,), tuple(sorted(names[w] for w in given)))


def _part(pair: Pair, adjacent: list[set[int]]) -> None:
    pair.joined = False
    adjacent[pair.u].discard(pair.v)
    adjacent[pair.v].discard(pair.u)


def _is_open(pair: Pair, alpha: float) -> bool:
    """Whether more tests may change something."""
    unsure = (pair.joined or pair.barred) and not pair.is_separated(alpha)
    return unsure and not (pair.required or pair.hopeless)


def _spoken_for(pairs: Iterable[Pair], adjacent: list[set[int]]) -> list[set[int]]:
    """Who is joined by an edge that is required, or that some test could tell of."""
    near = [set(around) for around in adjacent]
    for pair in pairs:
        if pair.joined and not pair.required and pair.best is None:
            near[pair.u].discard(pair.v)
            near[pair.v].discard(pair.u)
    return near


def _sets(pair: Pair, size: int, adjacent: list[set[int]], rules: EdgeRules) -> Iterator[tuple[int, ...]]:
    """The sets of this size that may separate the pair, each once."""
    met: set[tuple[int, ...]] = set()
    for x, y in ((pair.u, pair.v), (pair.v, pair.u)):
        around = sorted(w for w in adjacent[x] if w != y and rules.allowed[x] >> w & 1)
        for given in combinations(around, size):
            if given not in met:
                met.add(given)
                yield given
