"""Hold models that are not of this package to the laws of a distribution.

    python examples/audit_other_models.py

Three models meet the same audit: an autoregressive network of torch that is written here, a mixture out of two
estimators of scikit-learn, and, where pgmpy is installed, a Bayesian network of it.  Each is a ``log_prob`` over
rows of codes; whatever else a model has (a sampler, logits, members, a graph) brings more laws with it.  Then the
network gets the fault that everyone makes once, a mask that is off by one, and the audit names it.  Takes some
seconds.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.naive_bayes import BernoulliNB
from torch import nn

import chainrule

D = 8


def rows(n: int, seed: int) -> np.ndarray:
    """Rows of eight binary variables in two kinds, each with a pattern of its own."""
    rng = np.random.default_rng(seed)
    kind = rng.random(n) < 0.4
    pattern = np.where(kind[:, None], [1, 1, 1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 1, 0, 0, 1])
    return np.where(rng.random((n, D)) < 0.15, 1 - pattern, pattern)


class Autoregressive(nn.Module):
    """Logit i is a masked linear function of the variables before i."""

    def __init__(self, off_by: int = 0) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(D, D)), nn.Parameter(torch.zeros(D))
        self.register_buffer("mask", torch.ones(D, D).tril(off_by - 1))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """(n, d)."""
        return nn.functional.linear(x, self.weight * self.mask, self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """log p of each row in nats, (n,)."""
        return -nn.functional.binary_cross_entropy_with_logits(self.logits(x), x, reduction="none").sum(1)

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator) -> torch.Tensor:
        """Variable after variable."""
        x = torch.zeros(n, D)
        for i in range(D):
            x[:, i] = torch.from_numpy(rng.random(n)) < torch.sigmoid(self.logits(x)[:, i])
        return x


def network(off_by: int) -> chainrule.OtherModel:
    """The network, trained, as an audit asks it."""
    net, x = Autoregressive(off_by), torch.from_numpy(rows(2000, 0)).float()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        loss = -net(x).mean()
        loss.backward()
        optimiser.step()
    return chainrule.OtherModel(
        net, D, net.sample, logits=net.logits, factors=range(D), as_tensor=True, name="torch module"
    )


def mixture() -> chainrule.OtherModel:
    """Naive Bayes on the clusters of k-means, the cluster summed out: a mixture of independent variables."""
    x = rows(2000, 0)
    clusters = KMeans(2, n_init=3, random_state=0).fit_predict(x)
    bayes = BernoulliNB().fit(x, clusters)
    p = np.exp(bayes.feature_log_prob_)

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        kind = rng.choice(len(p), n, p=np.exp(bayes.class_log_prior_))
        return (rng.random((n, D)) < p[kind]).astype(int)

    def member(k: int) -> tuple[float, object]:
        weight = float(np.exp(bayes.class_log_prior_[k]))
        return weight, lambda x: bayes.predict_joint_log_proba(x)[:, k] - np.log(weight)

    return chainrule.OtherModel(
        lambda x: logsumexp(bayes.predict_joint_log_proba(x), axis=1),
        D,
        sample,
        members=[member(k) for k in range(len(p))],
        name="scikit-learn mixture",
    )


def pgmpy_network() -> chainrule.OtherModel | None:
    """Rain and a sprinkler by pgmpy; ``None`` where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from pgmpy.factors.discrete import TabularCPD
            from pgmpy.models import DiscreteBayesianNetwork
        except ImportError:
            return None
        net = DiscreteBayesianNetwork([("rain", "grass"), ("sprinkler", "grass")])
        net.add_cpds(
            TabularCPD("rain", 2, [[0.8], [0.2]]),
            TabularCPD("sprinkler", 2, [[0.6], [0.4]]),
            TabularCPD(
                "grass", 2, [[0.9, 0.2, 0.1, 0.01], [0.1, 0.8, 0.9, 0.99]], ["rain", "sprinkler"], [2, 2]
            ),
        )
    names = ["rain", "sprinkler", "grass"]
    table = np.ones((2, 2, 2))
    for cpd in net.get_cpds():
        factor = cpd.to_factor()
        axes = [names.index(v) for v in factor.variables]
        table = table * np.einsum(factor.values, axes, np.ones((2, 2, 2)), [0, 1, 2], [0, 1, 2])
    return chainrule.OtherModel(
        lambda x: np.log(table[tuple(x.T)]),
        [2, 2, 2],
        factors="rain -> grass <- sprinkler",
        names=names,
        name="pgmpy network",
    )


def main() -> None:
    """Audit all of them, then the network whose mask is off by one."""
    held_out = rows(500, 1)
    for model in (network(0), mixture(), pgmpy_network()):
        if model is None:
            print("\npgmpy is not installed here; its network is left out")
            continue
        found = chainrule.audit(model, held_out if model.sizes == D else None)
        print(found.summary())
    print()
    faulty = chainrule.audit(network(off_by=1), held_out)
    print(faulty.summary())
    print("\n".join(line for line in faulty.reasons() if line.startswith("FAIL")))


if __name__ == "__main__":
    main()
