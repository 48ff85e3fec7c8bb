"""Exact-likelihood modelling of discrete data: learn a joint distribution, score, sample, explain it.

    p(x) = prod_i p(x_i | parents(x_i))

Everything below is loaded when it is first used, so that ``import chainrule`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.core.lazy import loader
from chainrule.core.version import __version__ as __version__

_HOMES = {
    "Auto": "chainrule.models",
    "DAG": "chainrule.graphs",
    "BayesianNetwork": "chainrule.models",
    "ChowLiu": "chainrule.models",
    "Ensemble": "chainrule.models",
    "BoostedChain": "chainrule.models",
    "ChainClassifier": "chainrule.models",
    "ExponentialFamily": "chainrule.models",
    "Independent": "chainrule.models",
    "LatentMixture": "chainrule.models",
    "MADE": "chainrule.models",
    "Mixture": "chainrule.models",
    "NADE": "chainrule.models",
    "OtherModel": "chainrule.evaluate.audit.other_model",
    "Stack": "chainrule.models",
    "Schema": "chainrule.tables",
    "Table": "chainrule.tables",
    "TreeNetwork": "chainrule.models",
    "ChainruleError": "chainrule.core.errors",
    "audit": "chainrule.tasks",
    "check_independencies": "chainrule.evaluate",
    "chow_liu": "chainrule.models",
    "compare": "chainrule.tasks",
    "credible_intervals": "chainrule.tasks",
    "describe": "chainrule.tasks",
    "estimate_effect": "chainrule.evaluate",
    "exact_search": "chainrule.models",
    "fit": "chainrule.tasks",
    "hill_climb": "chainrule.models",
    "impute": "chainrule.tasks",
    "learn": "chainrule.tasks",
    "compress": "chainrule.tasks.compression",
    "compress_file": "chainrule.tasks.compression",
    "decompress": "chainrule.tasks.compression",
    "decompress_file": "chainrule.tasks.compression",
    "PDAG": "chainrule.graphs",
    "load_data": "chainrule.datasets:load",
    "load_model": "chainrule.models",
    "most_probable": "chainrule.tasks",
    "pc": "chainrule.evaluate",
    "query": "chainrule.tasks",
    "sample": "chainrule.tasks",
    "score": "chainrule.tasks",
    "sensitivity": "chainrule.tasks",
    "settings": "chainrule.core.settings",
    "workers": "chainrule.core.sums",
    "write_page": "chainrule.report",
}
_ROOMS = (
    "compiled",
    "core",
    "datasets",
    "derive",
    "evaluate",
    "graphs",
    "homework",
    "models",
    "report",
    "tables",
    "tasks",
)

__all__ = [*sorted(_HOMES), "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from chainrule.core.errors import ChainruleError as ChainruleError
    from chainrule.core.settings import settings as settings
    from chainrule.core.sums import workers as workers
    from chainrule.datasets import load as load_data
    from chainrule.evaluate import check_independencies as check_independencies
    from chainrule.evaluate import estimate_effect as estimate_effect
    from chainrule.evaluate import pc as pc
    from chainrule.evaluate.audit.other_model import OtherModel as OtherModel
    from chainrule.graphs import DAG as DAG
    from chainrule.graphs import PDAG as PDAG
    from chainrule.models import MADE as MADE
    from chainrule.models import NADE as NADE
    from chainrule.models import Auto as Auto
    from chainrule.models import BayesianNetwork as BayesianNetwork
    from chainrule.models import BoostedChain as BoostedChain
    from chainrule.models import ChainClassifier as ChainClassifier
    from chainrule.models import ChowLiu as ChowLiu
    from chainrule.models import Ensemble as Ensemble
    from chainrule.models import ExponentialFamily as ExponentialFamily
    from chainrule.models import Independent as Independent
    from chainrule.models import LatentMixture as LatentMixture
    from chainrule.models import Mixture as Mixture
    from chainrule.models import Stack as Stack
    from chainrule.models import TreeNetwork as TreeNetwork
    from chainrule.models import chow_liu as chow_liu
    from chainrule.models import exact_search as exact_search
    from chainrule.models import hill_climb as hill_climb
    from chainrule.models import load_model as load_model
    from chainrule.report import write_page as write_page
    from chainrule.tables import Schema as Schema
    from chainrule.tables import Table as Table
    from chainrule.tasks import audit as audit
    from chainrule.tasks import compare as compare
    from chainrule.tasks import credible_intervals as credible_intervals
    from chainrule.tasks import describe as describe
    from chainrule.tasks import fit as fit
    from chainrule.tasks import impute as impute
    from chainrule.tasks import learn as learn
    from chainrule.tasks import most_probable as most_probable
    from chainrule.tasks import query as query
    from chainrule.tasks import sample as sample
    from chainrule.tasks import score as score
    from chainrule.tasks import sensitivity as sensitivity
    from chainrule.tasks.compression import compress as compress
    from chainrule.tasks.compression import compress_file as compress_file
    from chainrule.tasks.compression import decompress as decompress
    from chainrule.tasks.compression import decompress_file as decompress_file


def __getattr__(name: str) -> Any:
    return import_module(f"chainrule.{name}") if name in _ROOMS else loader(__name__, _HOMES)(name)


def __dir__() -> list[str]:
    return [*__all__, *_ROOMS]
