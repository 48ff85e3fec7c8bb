"""The factorisation that a DAG states: one factor for each node, given its parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.core.checks import check_integer
from chainrule.core.errors import UnknownNameError
from chainrule.graphs.counts import product_of_counts
from chainrule.graphs.notation import probability_latex, probability_text

__all__ = ["Factorization"]


@dataclass(frozen=True)
class Factorization:
    """The product of P(node | parents): ``factors`` holds (node, parents) in a topological order.

    >>> f = Factorization((("A", ()), ("B", ("A",))))
    >>> f.text()
    'P(A, B) = P(A) P(B | A)'
    """

    factors: tuple[tuple[str, tuple[str, ...]], ...]

    def text(self) -> str:
        """The factorisation in one line of plain text."""
        joint = probability_text([node for node, _ in self.factors])
        product = " ".join(probability_text([v], parents) for v, parents in self.factors)
        return f"{joint} = {product or '1'}"

    def latex(self, factors_per_line: int | None = None) -> str:
        """The factorisation in LaTeX; over several lines, if ``factors_per_line`` is given.

        >>> print(Factorization((("A", ()), ("B", ("A",)))).latex(factors_per_line=1))
        \\begin{aligned} & P(A, B) \\\\ & = P(A) \\\\ & \\quad \\cdot P(B \\mid A) \\end{aligned}
        """
        joint = probability_latex([node for node, _ in self.factors])
        factors = [probability_latex([v], parents) for v, parents in self.factors] or ["1"]
        if factors_per_line is None:
            product = r" \, ".join(factors)
            return f"{joint} = {product}"
        check_integer(factors_per_line, "factors_per_line")
        lines = [
            r" \, ".join(factors[i : i + factors_per_line]) for i in range(0, len(factors), factors_per_line)
        ]
        product = r" \\ & \quad \cdot ".join(lines)
        return rf"\begin{{aligned}} & {joint} \\ & = {product} \end{{aligned}}"

    def n_parameters(self, n_states: int | Mapping[str, int] = 2) -> int:
        """How many free probabilities the factors have: (states − 1) for each state of the parents, summed.

        ``n_states`` is one number for all nodes, or a mapping with one for each.

        >>> Factorization((("A", ()), ("B", ("A",)))).n_parameters({"A": 3, "B": 2})
        5
        """
        states = self._states(n_states)
        return sum(
            (states[v] - 1) * product_of_counts(states[p] for p in parents) for v, parents in self.factors
        )

    def n_parameters_of_full_table(self, n_states: int | Mapping[str, int] = 2) -> int:
        """How many free probabilities a table of all joint states has: without any independence.

        >>> Factorization((("A", ()), ("B", ()))).n_parameters_of_full_table()
        3
        """
        return product_of_counts(self._states(n_states).values()) - 1

    def _states(self, n_states: int | Mapping[str, int]) -> dict[str, int]:
        nodes = [node for node, _ in self.factors]
        if not isinstance(n_states, Mapping):
            return dict.fromkeys(nodes, check_integer(n_states, "n_states"))
        for v in nodes:
            if v not in n_states:
                raise UnknownNameError.of("entry in n_states for node", v, list(n_states))
        return {v: check_integer(n_states[v], f"n_states[{v!r}]") for v in nodes}
