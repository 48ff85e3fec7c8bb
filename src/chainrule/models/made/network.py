"""The masked autoencoder: a plain multilayer network whose masks leave output i only the parents of variable i.

Germain, Gregor, Murray & Larochelle, "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015,
equations 8-13; connections straight from input to output are an option there.  Variables of more than two states
go in as indicators and come out as log-odds, one of each for each state but the first.  The masks are an argument
of every call: what they cut may have any value, so the same weights serve any ordering.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from chainrule.compiled.calls import has_loops
from chainrule.core.errors import ShapeError
from chainrule.models.made.levels import sample_by_levels
from chainrule.models.made.masks import Graph, build_masks, direct_mask
from chainrule.models.made.row_likelihood import indicator_rows, log_prob_and_slopes, row_log_prob
from chainrule.models.made.sampler import check_shapes, draw
from chainrule.models.made.staircase import StaircaseWeight
from chainrule.models.made.step import Walk, staircase_logits
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.dropout import Dropout
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.likelihood import categorical_terms
from chainrule.models.shared.network import AutoregressiveNetwork, GradientLoop
from chainrule.models.shared.own_torch import PARAMETERS

__all__ = ["MADENetwork"]

# Of the scale that would keep a unit's variance.  Units that start large hardly learn what to look for: on
# binarized MNIST with 2,000 units, 1 gave 92.6 nats on validation rows, 0.5 91.2, 0.25 90.5, 0.1 and less 90.4.
_FIRST_LAYER = 0.1


class MADENetwork(AutoregressiveNetwork):
    """MADE with relu layers as a torch module with a differentiable ``log_prob``.

    ``graph`` (a ``Factorization``, or an ordering of the d columns) and ``degrees`` (one array per hidden layer)
    give the default masks; ``sizes`` are the numbers of states of the columns, by default 2 each.  With w
    indicators in all (``coding``; d if all are binary) layer l has ``weights[l]`` (out, in) and ``biases[l]``
    (out,), from w inputs to w log-odds.  With ``direct`` the log-odds have a linear term in the indicators of the
    parents, and ``weights`` and ``masks`` one more entry, (w, w), at their end.

    The parameters of the weights are kept sorted, indicators by place in the order and units by degree, and in
    blocks (``staircase``), so that training reads only what the default masks keep; ``weights`` puts
    them together as the masks see them.  A state dict holds them so as well.

    >>> net = MADENetwork([1, 0], [[1, 1]], sizes=(2, 3), generator=torch.Generator().manual_seed(0))
    >>> net.log_prob(torch.tensor([[0, 2], [1, 0]])).shape, net.weights[0].shape
    (torch.Size([2]), torch.Size([2, 3]))
    """

    ordering: Tensor

    def __init__(
        self,
        graph: Graph,
        degrees: Sequence[ArrayLike],
        *,
        sizes: int | Sequence[int] | None = None,
        direct: bool = False,
        generator: torch.Generator | None = None,
        mean_ones: float = 0.5,
    ) -> None:
        """``mean_ones`` is the expected share of indicators that are on, which sets the scale of the first layer.

        Direct connections start at zero.
        """
        super().__init__()
        self.factorization = f = Factorization.of(graph)
        self.coding = Coding.of(len(f) if sizes is None else sizes)
        if len(self.coding.sizes) != len(f):
            raise ShapeError(
                f"sizes has {len(self.coding.sizes)} entries, the graph {len(f)} variables; pass one size for each"
            )
        self.direct = direct
        self.degrees: list[NDArray[np.intp]] = [np.asarray(m) for m in degrees]
        order = self.coding.order(f.order)
        # of inputs, units of each hidden layer, and outputs: which come first, second, ... in sorted arrangement
        self.arrangement = [order, *(np.lexsort((m, f.reach[m])) for m in self.degrees), order]
        self._is_sorted = [bool((np.diff(a) == 1).all()) for a in self.arrangement]
        self._is_natural = bool((np.diff(f.order) == 1).all())
        self._in_order = self.coding.of_variables(f.order)
        self.layers, self.biases = nn.ModuleList(), nn.ParameterList()
        masks = self._masks_of_indicators()
        for layer, mask in enumerate(masks[: len(self.degrees) + 1]):
            values = torch.randn(mask.shape, generator=generator, dtype=PARAMETERS) * self._scale(
                layer, mask, mean_ones
            )
            self._add_layer(values, mask)
            self.biases.append(nn.Parameter(torch.zeros(len(mask), dtype=PARAMETERS)))
        if direct:
            self._add_layer(torch.zeros(masks[-1].shape, dtype=PARAMETERS), masks[-1])
        self.register_buffer("ordering", torch.as_tensor(f.order, dtype=torch.int64))
        for layer, mask in enumerate(masks):
            self.register_buffer(f"mask_{layer}", torch.from_numpy(mask))
        self.register_state_dict_post_hook(_save_whole_weights)
        self.register_load_state_dict_pre_hook(_load_whole_weights)

    def _masks_of_indicators(self) -> list[NDArray[np.bool_]]:
        """The masks of the graph, each variable repeated for its indicators."""
        masks, owner = build_masks(self.factorization, self.degrees), self.coding.owner
        if not self.coding.is_binary:
            masks[0] = masks[0][:, owner]
            masks[-1] = masks[-1][owner]
        if self.direct:
            masks.append(direct_mask(self.factorization)[np.ix_(owner, owner)])
        return masks

    def _scale(self, layer: int, mask: NDArray[np.bool_], mean_ones: float) -> Tensor:
        """The standard deviation of each unit's first weights, (out, 1): what keeps its variance, or less."""
        seen = torch.as_tensor(mask.sum(1), dtype=torch.float32)[:, None]
        if layer == 0:
            return _FIRST_LAYER * (2.0 / (seen * mean_ones).clamp(min=1)).sqrt()
        return ((1.0 if layer == len(self.degrees) else 2.0) / seen.clamp(min=1)).sqrt()

    def _add_layer(self, values: Tensor, mask: NDArray[np.bool_]) -> None:
        layer = len(self.layers)
        side = "last" if layer == len(self.degrees) else "first"
        self.layers.append(StaircaseWeight(self.sorted(layer, values), self.sorted(layer, mask), side))

    @property
    def masks(self) -> list[Tensor]:
        """The default masks, one per layer, (out, in) booleans."""
        return [self.get_buffer(f"mask_{layer}") for layer in range(len(self.layers))]

    @property
    def masks_in_use(self) -> list[Tensor]:
        """``masks``."""
        return self.masks

    @property
    def weights(self) -> list[Tensor]:
        """The weights, one (out, in) matrix per layer, put together; differentiable in the parameters."""
        return [self._whole_weight(layer) for layer in range(len(self.layers))]

    @property
    def staircases(self) -> list[StaircaseWeight]:
        """The weights as they are kept: sorted and in bands, the direct ones last."""
        return [layer for layer in self.layers if isinstance(layer, StaircaseWeight)]

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer."""
        return self.biases[-1]  # type: ignore[return-value]

    def logits(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Log-odds (n, coding.width) of each state against the first, given the parents; x is (n, d) codes."""
        if masks is not None or x.requires_grad:
            return self.logits_of_indicators(self._indicators(x), masks)
        logits = self._sorted_logits(self._sorted_rows(x)[1])
        return logits if self._is_sorted[0] else logits[:, self._places(np.argsort(self.arrangement[0]))]

    def log_prob(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Log-probability of each row in nats, (n,), differentiable in the parameters."""
        if masks is not None or x.requires_grad:
            return categorical_terms(x, self.logits(x, masks), self.coding).sum(1)
        codes, indicators = self._sorted_rows(x)
        return row_log_prob(codes, self._sorted_logits(indicators), self._in_order)

    def log_prob_in_step(self, x: Tensor, step: int) -> Tensor:
        """See ``LikelihoodNetwork.log_prob_in_step``."""
        if self.dropout is None:
            return self.log_prob(x)
        codes, indicators = self._sorted_rows(x)
        indicators, scales = self._thinned(self.dropout, indicators, step)
        return row_log_prob(codes, self._sorted_logits(indicators, scales), self._in_order)

    def gradient_loop(self) -> GradientLoop | None:
        """See ``LikelihoodNetwork.gradient_loop``."""
        return self._log_prob_and_gradients if has_loops(self.output_bias) else None

    @torch.no_grad()
    def _log_prob_and_gradients(
        self, x: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]], step: int = 0
    ) -> tuple[NDArray[np.float64], list[NDArray[Any]]]:
        rows = x if x.dtype.itemsize == 1 else x.astype(np.int64)  # torch knows few unsigned numbers
        codes, indicators = self._sorted_rows(torch.from_numpy(rows))
        scales: list[Tensor] = []
        if self.dropout is not None:
            indicators, scales = self._thinned(self.dropout, indicators, step)
        biases = self._sorted_biases()
        blocks = chain.from_iterable(layer.blocks for layer in self.staircases)
        walk = Walk(indicators, self.staircases, len(biases), [*blocks, *biases], scales)
        log_p, slopes = log_prob_and_slopes(codes, walk.logits, self._in_order)
        slopes *= weights.astype(slopes.dtype)[:, None]
        found = walk.gradients(torch.from_numpy(slopes))
        for g, units, is_sorted in zip(
            found[-len(biases) :], self.arrangement[1:], self._is_sorted[1:], strict=True
        ):
            if not is_sorted:
                g[self._places(units)] = g.clone()
        return log_p.astype(np.float64), [g.numpy() for g in found]

    def _thinned(self, dropout: Dropout, indicators: Tensor, step: int) -> tuple[Tensor, list[Tensor]]:
        """``indicators`` (n, coding.width) without some variables, and the scales of the units of each hidden layer."""
        n, dtype, device = len(indicators), indicators.dtype, indicators.device
        inputs = dropout.input_scales(step, (n, len(self.factorization)), dtype)
        inputs = inputs[:, torch.from_numpy(self._in_order.owner)].to(device)
        scales = [
            dropout.hidden_scales(step, (n, len(units)), dtype, layer).to(device)
            for layer, units in enumerate(self.degrees)
        ]
        return indicators * inputs, scales

    def logits_of_indicators(self, indicators: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """``logits`` from indicators (n, coding.width): whole weights times whole masks, any masks, any gradient."""
        h = indicators.to(self.output_bias.dtype)
        whole = zip(self.weights, self.masks if masks is None else masks, strict=True)
        masked = [weight * mask for weight, mask in whole]
        linear = masked.pop() @ h.T if self.direct else None
        for weight, bias in zip(masked[:-1], self.biases, strict=False):
            h = torch.relu(nn.functional.linear(h, weight, bias))
        logits = nn.functional.linear(h, masked[-1], self.biases[-1])
        return logits if linear is None else logits + linear.T

    def _indicators(self, x: Tensor) -> Tensor:
        """Of rows of codes, in the order of the columns; binary ones are their own, also for a gradient."""
        if self.coding.is_binary:
            return x
        return indicator_rows(x.to(torch.int32), self.coding, self.output_bias.dtype)

    def _sorted_rows(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of codes and their indicators as numbers of the weights' type, in the order of generation."""
        if x.ndim != 2 or x.shape[1] != len(self.factorization):  # the compiled loops do not look
            raise ShapeError(
                f"the rows have the shape {tuple(x.shape)}, expected (n, {len(self.factorization)}); pass "
                f"{len(self.factorization)} columns"
            )
        if not self.coding.is_binary:
            x = x.to(torch.int32)  # unsigned numbers of several bytes are no indices for torch
        codes = x if self._is_natural else x.index_select(1, self.ordering)
        if self.coding.is_binary:
            codes = codes.to(self.output_bias.dtype)
            return codes, codes
        return codes, indicator_rows(codes, self._in_order, self.output_bias.dtype)

    def _sorted_logits(self, indicators: Tensor, scales: Sequence[Tensor] = ()) -> Tensor:
        """Log-odds from indicators, both in the order of generation; ``scales`` multiply the hidden units."""
        layers, biases = self.staircases, self._sorted_biases()
        direct = layers[-1] if self.direct else None
        return staircase_logits(indicators, layers[: len(biases)], biases, direct, scales)

    def _sorted_biases(self) -> list[Tensor]:
        return [
            b if is_sorted else b[self._places(units)]
            for b, units, is_sorted in zip(
                self.biases, self.arrangement[1:], self._is_sorted[1:], strict=True
            )
        ]

    def _places(self, units: NDArray[np.intp]) -> Tensor:
        return torch.from_numpy(units).to(self.output_bias.device)

    def _sides(self, layer: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which rows (outputs) and columns (inputs) of ``weights[layer]`` come first, second, ... when sorted."""
        if layer > len(self.degrees):  # direct connections
            return self.arrangement[-1], self.arrangement[0]
        return self.arrangement[layer + 1], self.arrangement[layer]

    def sorted(self, layer: int, weight: Any) -> Any:
        """``weight`` (out, in), tensor or array, as ``StaircaseWeight`` wants it: the last layer is kept by output."""
        out, into = self._sides(layer)
        weight = weight[out][:, into]
        return weight if layer == len(self.degrees) else weight.T

    def _whole_weight(self, layer: int) -> Tensor:
        """The inverse of ``sorted``."""
        weight = self.staircases[layer].dense()
        out, into = (np.argsort(a) for a in self._sides(layer))
        return (weight if layer == len(self.degrees) else weight.T)[out][:, into]

    def sample(
        self, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.integer[Any]]:
        """Rows of codes (n, d), the variable at place t of the order by ``uniforms[:, t]``.

        Its state is the first of 1, 2, ..., K - 1 up to which the probabilities add up to more than the uniform,
        and 0 where there is none.  Entries of ``known`` (n, d) from 0 on are taken as they are.  Costs less than
        one dense forward pass (``sampler``), on the CPU wherever the parameters are; without the compiled loops, as
        many passes as the graph is deep (``levels``).  Raises ``ShapeError`` if the shapes do not fit.
        """
        check_shapes(self, uniforms, known)
        way = draw if has_loops(self.output_bias.detach().cpu()) else sample_by_levels
        return way(self, uniforms, known)


def _save_whole_weights(network: Any, state: dict[str, Any], prefix: str, _: Any) -> None:
    """In a state dict, ``weights.0`` and so on in place of blocks, whose cuts may change between versions."""
    for name in [k for k in state if k.startswith(f"{prefix}layers.")]:
        del state[name]
    for layer, weight in enumerate(network.weights):
        state[f"{prefix}weights.{layer}"] = weight.detach()


def _load_whole_weights(network: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """The inverse: whole weights into blocks."""
    for layer, staircase in enumerate(network.staircases):
        weight = state.pop(f"{prefix}weights.{layer}", None)
        if weight is None:
            continue  # load_state_dict names what is missing
        staircase.set_dense(network.sorted(layer, weight))
        for i, block in enumerate(staircase.blocks):
            state[f"{prefix}layers.{layer}.blocks.{i}"] = block.detach()
