"""A mixture of networks that share one neural one: the continuous mixture of Correia et al. (2023), made finite.

    p(x) = 1/N sum_n prod_i p(x_i | context_i(x), z_n)

z_1 ... z_N are fixed quasi-random points of a Gaussian latent space.  The context of x_i is the state of its parent in
the Chow-Liu tree, or the leaf to which the row comes in a decision tree over other variables, and the log-odds of
every context are a function of z that a neural network learns.  Once the points are fixed this is an ordinary mixture
of N Bayesian networks with one graph, so its likelihood is exact, and 1/N is part of it.

Correia, Gala, Quaeghebeur, de Campos & Peharz, "Continuous mixtures of tractable probabilistic models", AAAI 2023;
trees: Chow & Liu 1968, Meila & Jordan 2000; decision trees as contexts: Friedman & Goldszmidt 1996.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_real, check_size
from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, TooLargeError
from chainrule.core.files import as_path
from chainrule.core.randomness import RandomState, as_generator
from chainrule.graphs import DAG
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.latent_mixture.completing import draw_completed, log_prob_completed
from chainrule.models.latent_mixture.components import Components
from chainrule.models.latent_mixture.forest_layout import ForestLayout
from chainrule.models.latent_mixture.layout import Layout
from chainrule.models.latent_mixture.leaf_layout import LeafLayout
from chainrule.models.latent_mixture.messages import draw_summed, log_prob_summed
from chainrule.models.latent_mixture.plan import Plan
from chainrule.models.latent_mixture.start import (
    chow_liu_start,
    decision_tree_start,
    swapped,
    usual_states,
)
from chainrule.models.shared.completion import best_completions
from chainrule.models.shared.decision_tables import loaded_tables
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.hidden import parse_hidden
from chainrule.models.shared.loaded import (
    check_probabilities,
    loaded_array,
    loaded_codes,
    loaded_factorization,
    loaded_order,
)
from chainrule.models.shared.ordering import positions
from chainrule.models.shared.run_folder import told_settings
from chainrule.models.shared.state_columns import normalised, state_begins
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["LatentMixture", "Structure"]

Structure = Literal["tree", "net"]

_BYTES = 8
_OF_NO_NUMBER = {"run_dir", "max_bytes"}  # settings that change nothing that is learned
_MOST_LATENT = 21_201  # dimensions of the Sobol sequences that torch has


class LatentMixture(DiscreteModel):
    """Mixture of ``n_components`` Bayesian networks, whose tables are a function of ``latent`` numbers each.

    ``structure`` says what a variable depends on within a component.  "tree": one parent, by Chow and Liu; whatever is
    missing is summed out exactly, at 8 to 30 times the cost of a complete row.  "net": the leaf of a decision tree, all
    trees grown together under one acyclic graph, where a split gains at least ``penalty`` times log(n) / 2 + log(d)
    nats for each parameter that it adds.  It learns more where variables depend on several others; a missing value
    costs nothing where nothing known depends on it, others are summed over at most 16,384 completions a row.

    ``hidden`` are the sizes of the network's layers; it is trained with ``n_points`` points a step, other ones in
    each.  Without ``epochs`` there are 15, or as many as make at least 250 and at most about 1,500 steps; without
    ``batch_size`` a batch has 100 rows below 5,000 rows, 250 below 50,000, else 500.  With ``valid`` rows the epoch
    that fits them best is kept, otherwise the last.  ``pseudocount`` rows draw the tables that training starts from
    towards the column's frequencies.  ``max_bytes`` bounds the tables of all components: ``TooLargeError`` above.
    ``run_dir`` is a folder for the state of training: a fit that was interrupted goes on where it was.

    ``log_odds_`` are the parameters, ``dag_`` is the graph of every component.  The mixture has no edges that are
    missing: ``factorization_`` is an order, ``ordering_``, in which a component's parents come first.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 3, (60, 4))
    >>> model = LatentMixture(64, hidden=[8], epochs=1, random_state=0).fit(X)
    >>> model.log_prob([[0, -1, 2, -1]]).shape
    (1,)
    """

    marginalises_: ClassVar[Marginalises] = "any"

    _components: Components
    _graph: DAG  # of every component
    _usual: NDArray[np.intp]  # (d,) the most frequent state of each column, which is 0 inside

    def __init__(
        self,
        n_components: int = 4096,
        *,
        structure: Structure = "tree",
        latent: int = 8,
        hidden: int | Sequence[int] = (128, 128),
        n_points: int = 512,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 1e-2,
        weight_decay: float = 0.0,
        penalty: float = 4.0,
        pseudocount: float = 1.0,
        random_state: RandomState = None,
        schema: Schema | None = None,
        max_bytes: int = 2**30,
        run_dir: str | Path | None = None,
    ) -> None:
        self.n_components = n_components
        self.structure: Structure = structure
        self.latent = latent
        self.hidden = hidden
        self.n_points = n_points
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.penalty = penalty
        self.pseudocount = pseudocount
        self.random_state = random_state
        self.schema = schema
        self.max_bytes = max_bytes
        self.run_dir = run_dir

    @property
    def log_odds_(self) -> NDArray[np.float32]:
        """The parameters in nats, (width, n_components) float32, those of one context after the other.

        Of each state but the most frequent one against that.
        """
        check_is_fitted(self)
        return self._components.log_odds

    @property
    def dag_(self) -> DAG:
        """The graph that every component has: a tree or forest, or what the decision trees ask for."""
        check_is_fitted(self)
        return self._graph

    @property
    def factorization_(self) -> DAG:
        """Every variable on all before it in ``ordering_``: what component a row is from depends on all of it."""
        return self._factors().to_dag()

    @property
    def n_parameters_(self) -> dict[str, int]:
        """The log-odds of all components."""
        n = int(self.log_odds_.size)
        return {"allocated": n, "in_use": n}

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Find the contexts, train the network, keep its log-odds at the points of the model.

        ``fit_info_`` holds the mean negative log-likelihoods by epoch in nats (at ``n_points`` points that change
        with each step; of ``valid`` at twice as many), the best epoch, the seconds of training, the seed and the
        number of edges.
        """
        self._need_complete(table, valid)
        seed = int(as_generator(self.random_state).integers(2**31))
        plan, n = self._plan(seed), check_integer(self.n_components, "n_components")
        check_size(
            8 * plan.n_points * max(plan.latent, *plan.hidden, 1), "training", instead="set fewer n_points"
        )
        self._usual = usual_states(table)
        table = self._inside(table)
        layout, bias = self._start(table)
        _check_size(layout, n, check_integer(self.max_bytes, "max_bytes"))
        # torch is needed to learn and not to answer
        from chainrule.models.latent_mixture.fitting import fit_log_odds

        log_odds, info = fit_log_odds(
            layout, bias, table, None if valid is None else self._inside(valid), plan, n
        )
        self._take(Components(layout, log_odds, np.full(n, -math.log(n))))
        self.fit_info_ = info | {
            "seed": plan.seed,
            "n_rows": table.n_rows,
            "n_edges": len(self._graph.edges),
            "n_contexts": len(layout.context_variables),
        }

    def _start(self, table: Table) -> tuple[Layout, NDArray[np.float64]]:
        """Contexts by ``structure``, and the log-odds that training starts from."""
        pseudocount = check_real(self.pseudocount, "pseudocount", strictly=True)
        penalty = check_real(self.penalty, "penalty")
        if check_choice(self.structure, "structure", get_args(Structure)) == "tree":
            limit = check_integer(self.max_bytes, "max_bytes")
            return chow_liu_start(table, pseudocount=pseudocount, max_bytes=limit)
        return decision_tree_start(table, pseudocount=pseudocount, penalty=penalty)

    def _take(self, components: Components) -> None:
        """Take over what was fitted."""
        self._components, layout, names = components, components.layout, self.schema_.names
        vars(self).pop("marginalises_", None)
        if isinstance(layout, ForestLayout):
            edges = [(names[p], names[i]) for i, p in enumerate(layout.parent) if p >= 0]
        else:
            assert isinstance(layout, LeafLayout)
            edges = [(names[j], names[i]) for i, j in np.argwhere(layout.trees.parents)]
            self.marginalises_ = "suffix"  # pyright: ignore[reportAttributeAccessIssue]
        self._graph = DAG(edges, names)

    def usual_epochs(self, n_rows: int) -> int:
        """The epochs of a fit to ``n_rows`` rows: ``epochs``, or what stands for ``None``.

        >>> LatentMixture().usual_epochs(16_000)
        15
        """
        return self._plan(0).length(check_integer(n_rows, "n_rows"))[0]

    def _plan(self, seed: int) -> Plan:
        """The settings of training, checked."""
        return Plan(
            latent=check_integer(self.latent, "latent", most=_MOST_LATENT),
            hidden=parse_hidden(self.hidden),
            n_points=check_integer(self.n_points, "n_points"),
            epochs=None if self.epochs is None else check_integer(self.epochs, "epochs", least=0),
            batch_size=None if self.batch_size is None else check_integer(self.batch_size, "batch_size"),
            learning_rate=check_real(self.learning_rate, "learning_rate", strictly=True),
            weight_decay=check_real(self.weight_decay, "weight_decay"),
            seed=seed,
            run_dir=None if self.run_dir is None else as_path(self.run_dir, "run_dir"),
            settings={} if self.run_dir is None else self._told_settings(seed),
        )

    def _inside(self, table: Table) -> Table:
        """The rows as components know them: state 0 is the usual one."""
        return Table(table.schema, swapped(table.codes, self._usual), table.weights)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """Rows with holes cost several times a complete one."""
        inside = swapped(codes, self._usual)
        out, holes = np.empty(len(codes)), (codes < 0).any(axis=1)
        components, layout = self._components, self._components.layout
        if not holes.all():
            out[~holes] = components.log_prob(inside[~holes])
        if holes.any() and isinstance(layout, ForestLayout):
            out[holes] = log_prob_summed(components, layout, inside[holes])
        elif holes.any() and isinstance(layout, LeafLayout):
            out[holes] = log_prob_completed(components, layout, inside[holes], self._of_component())
        return out

    def _factors(self) -> Factorization:
        check_is_fitted(self)
        return Factorization(self.schema_.names, self._components.layout.order)

    def _of_component(self) -> Factorization:
        """The graph of every component."""
        return Factorization(self.schema_.names, self._components.layout.order, self._graph)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        prefixes = self._components.prefixes(swapped(codes, self._usual))
        out = np.empty(codes.shape)
        out[:, self._components.layout.order] = np.diff(prefixes, axis=1)
        return out

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        sizes = self.schema_.sizes
        found = normalised(self._components.state_scores(swapped(codes, self._usual)), sizes)
        begins, columns = state_begins(sizes)[:-1], np.arange(sum(sizes))
        columns[begins], columns[begins + self._usual] = begins + self._usual, begins
        return found[:, columns]

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        turns, sent = self._components.scores_in_turn(n), None
        for i in self._components.layout.order.tolist():
            states = np.arange(self.schema_.sizes[i])
            states[[0, self._usual[i]]] = states[[self._usual[i], 0]]  # inside, the usual one is 0
            found = normalised(turns.send(sent), (len(states),))
            codes = yield np.array([i]), [found[:, states]]
            sent = states[codes[:, 0]]

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        """The component from its posterior, then what is missing from that component."""
        inside, components = swapped(codes, self._usual), self._components
        layout = components.layout
        if isinstance(layout, ForestLayout):
            drawn = draw_summed(components, layout, inside, generator)
        else:
            assert isinstance(layout, LeafLayout)
            drawn = draw_completed(components, layout, inside, self._of_component(), generator)
        return swapped(drawn, self._usual)

    def _most_probable(self, codes: Codes) -> Codes:
        """By enumeration of all completions, at most 16,384 a row, else ``TooLargeError``: a mixture's mode has no
        shorter way.
        """
        return best_completions(codes, self.schema_.sizes, self._log_prob)[0]

    def _told_settings(self, seed: int) -> dict[str, Any]:
        """For the folder of a run."""
        return told_settings(self.get_params(deep=False), seed, _OF_NO_NUMBER)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"run_dir": None}  # a path on this machine does not travel

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        hidden = plain["hidden"]
        return super()._settings_of(plain) | {"hidden": tuple(hidden) if isinstance(hidden, list) else hidden}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        found, layout = self._components, self._components.layout
        arrays: dict[str, NDArray[Any]] = {"log_odds": found.log_odds, "log_weights": found.log_weights}
        if isinstance(layout, ForestLayout):
            arrays["parent"] = layout.parent.astype(np.int64)
        elif isinstance(layout, LeafLayout):
            arrays["nodes"] = layout.trees.nodes
        return arrays, {"order": layout.order, "usual": self._usual}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        sizes = self.schema_.sizes
        self._usual = loaded_codes(plain["usual"], sizes, "the usual row")
        if "nodes" in arrays:
            order = loaded_order(plain["order"], len(sizes))
            layout = LeafLayout(loaded_tables(arrays["nodes"], sizes, positions(order)), order)
        else:
            parent = loaded_array(arrays, "parent", (len(sizes),), np.int64)
            if not ((parent >= -1) & (parent < len(sizes))).all():
                raise DataError("a parent is no column; save the model again")
            names = self.schema_.names
            forest = DAG([(names[p], names[i]) for i, p in enumerate(parent) if p >= 0], names)
            factors = loaded_factorization(names, plain["order"], forest)
            layout = ForestLayout(sizes, parent.astype(np.intp), factors.order)
        log_weights = loaded_array(arrays, "log_weights", (None,))
        check_probabilities(np.exp(np.minimum(log_weights, 1.0)), "the weights of components")
        shape = (len(layout.with_odds), len(log_weights))
        self._take(Components(layout, loaded_array(arrays, "log_odds", shape, np.float32), log_weights))


def _check_size(layout: Layout, n_components: int, max_bytes: int) -> None:
    """``TooLargeError`` where the tables of all components, and their terms, need more than ``max_bytes``."""
    n_bytes = _BYTES * n_components * (layout.n_entries + layout.n_terms)
    if n_bytes > max_bytes:
        raise TooLargeError(
            f"the tables of {n_components:,} components with {layout.n_entries:,} entries each need {n_bytes:,} bytes, "
            f"at most {max_bytes:,} are allowed; take fewer n_components, join rare states, or raise max_bytes"
        )
