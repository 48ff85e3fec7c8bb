"""``chainrule fit``, ``compare``, ``learn``: from a table to a model."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.output import AsJson, print_error, print_json, print_line, progress
from chainrule.cli.reading import reads_table
from chainrule.core.errors import InputError

__all__ = ["compare", "fit", "learn"]

TableFile = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE", help="CSV, TSV (.gz, .zst too), Parquet or Feather; 0/1 files without names."
    ),
]
TableFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...",
        help="CSV, TSV (.gz, .zst too), Parquet or Feather, several with the same columns; 0/1 files without names.",
    ),
]
Workers = Annotated[
    int, typer.Option(help="Processes that share large files among them to read, where there are several.")
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Budget = Annotated[
    str | None, typer.Option(help="Time for all models together, such as 20s, 10m or 1h; default 10m.")
]
Graph = Annotated[
    str | None,
    typer.Option("--dag", metavar="GRAPH", help="A graph that you state: a file, or text: 'a -> b; c'."),
]
Models = Annotated[
    str | None, typer.Option(help="Which models to try, with commas; default all, small ones first.")
]


@reads_table
def fit(
    table: TableFiles,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file of the model.")],
    valid: Annotated[
        Path | None, typer.Option(help="Rows to choose by; default: a tenth of the table, by the seed.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="auto, independent, chowliu, bayesnet (with --dag or --latent-classes), trees, latent, latentnet, "
            "boosted, nade or made (an order, or along --dag)."
        ),
    ] = "auto",
    models: Models = None,
    budget: Budget = None,
    simple: Annotated[
        bool, typer.Option("--simple", help="The smallest model within one standard error of the best.")
    ] = False,
    dag: Graph = None,
    latent_states: Annotated[
        list[str] | None,
        typer.Option(
            help="How many states a latent node of the graph has: H=3, or the option several times."
        ),
    ] = None,
    latent_classes: Annotated[
        int | None, typer.Option(help="So many classes that no row has, for --model bayesnet without --dag.")
    ] = None,
    seed: Seed = 0,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the training of latent, latentnet, nade or made in a folder, to go on from.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --run-dir, to end as it would have.")
    ] = False,
    workers: Workers = 1,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Learn the joint distribution of a table, and keep the model in a file.

    auto tries families on validation rows within the budget and keeps the best, and beside it one that sums out any
    holes.  Ctrl-C keeps what is done by then.
    """
    from chainrule.cli.arguments import split_names, split_sizes
    from chainrule.core.files import check_place
    from chainrule.tasks.dialects import SHELL
    from chainrule.tasks.fitting import fit as run

    check_place(out)
    with progress():
        found = run(
            table[0] if len(table) == 1 else table,
            valid=valid,
            model=model,
            models=None if models is None else split_names(models),
            budget=budget,
            simple=simple,
            dag=dag,
            latent_states=split_sizes(latent_states or [], "--latent-states"),
            latent_classes=latent_classes,
            seed=seed,
            run_dir=run_dir,
            resume=resume,
            workers=workers,
            dialect=SHELL,
            **reading,
        )
        found.save(out)
    if as_json:
        print_json(found.to_dict() | {"file": str(out)})
    else:
        print_line(found.text())
        print_line(f"kept in {out}")
    if found.stopped:
        print_error(f"stopped; the best of what was tried is kept in {out}")
        raise typer.Exit(130)


@reads_table
def compare(
    context: typer.Context,
    table: TableFile,
    test: Annotated[
        Path | None, typer.Option(help="Rows to judge by; default: a fifth of the table, by the seed.")
    ] = None,
    models: Models = None,
    budget: Budget = None,
    dag: Graph = None,
    page: Annotated[
        Path | None, typer.Option(help="Also a page of it (.html), with its record beside it (.json).")
    ] = None,
    seed: Seed = 0,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Models side by side on rows that none has seen, with paired standard errors."""
    from chainrule.cli.arguments import split_names
    from chainrule.tasks.comparing import compare as run
    from chainrule.tasks.dialects import SHELL

    if page is not None:
        from chainrule.report import check_page

        check_page(page)
    names = None if models is None else split_names(models)
    with progress():
        found = run(
            table, test=test, models=names, budget=budget, dag=dag, seed=seed, dialect=SHELL, **reading
        )
        found = replace(found, command=context.obj)
        if page is not None:
            from chainrule.report import write_page

            write_page(found, page)
    if as_json:
        print_json(found.to_dict() | {"page": None if page is None else str(page)})
    else:
        print_line(found.text())
        if page is not None:
            print_line(f"page: {page}")
    if found.stopped:
        print_error("stopped; what was done is shown")
        raise typer.Exit(130)


@reads_table
def learn(
    table: TableFiles,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="The network as .bif, .xml, .net, .uai or .xdsl, or its graph as .dot, .csv, …; of pc its graph.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="forest; hill-climb or exact (up to 20 columns): graphs of any shape; trees: of decision trees; "
            "pc: by tests of independence, edges may have no direction."
        ),
    ] = "forest",
    score: Annotated[
        str | None,
        typer.Option(
            help="forest: ebic, bic, aic; hill-climb and exact: bic, aic, bdeu, k2, held-out; trees: bayes, "
            "dirichlet, ebic, bic, aic.  The first is the default."
        ),
    ] = None,
    equivalent_sample_size: Annotated[float, typer.Option(help="Of bdeu, in rows.")] = 1.0,
    forbid: Annotated[
        list[str] | None,
        typer.Option(help="Edges that may not be: 'a -> b; b -> c', or the option several times."),
    ] = None,
    require: Annotated[list[str] | None, typer.Option(help="Edges that must be, likewise.")] = None,
    tiers: Annotated[
        str | None,
        typer.Option(help="Groups in an order, no edge leads back: 'age,sex; smoker,diet; cough'."),
    ] = None,
    max_parents: Annotated[int | None, typer.Option(help="Of a column, at most.")] = None,
    bootstrap: Annotated[
        int, typer.Option(help="So many resamples, to see how often an edge is found again.")
    ] = 0,
    statistic: Annotated[str | None, typer.Option(help="Of the tests of pc: g, chi2 or permutation.")] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Of pc: up to which p value a test keeps an edge; default 0.05.")
    ] = None,
    max_given: Annotated[
        int | None, typer.Option(help="Of pc: how many columns a test is given, at most; default any number.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = 1,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Who depends on whom, with the evidence for each edge, on rows that it was not learned from, too."""
    from chainrule.cli.arguments import split_groups
    from chainrule.tasks.dialects import SHELL
    from chainrule.tasks.learning import learn as by_score
    from chainrule.tasks.learning_by_tests import learn_by_tests

    known: dict[str, Any] = {
        "forbidden": ";".join(forbid) if forbid else (),
        "required": ";".join(require) if require else (),
        "tiers": split_groups(tiers or ""),
    }
    of_tests = {"statistic": statistic, "alpha": alpha, "max_given": max_given}
    of_scores = {
        "score": score,
        "equivalent_sample_size": None if equivalent_sample_size == 1 else equivalent_sample_size,
        "max_parents": max_parents,
        "bootstrap": bootstrap or None,
        "workers": None if workers == 1 else workers,
    }
    settings = _settings_of(method, of_tests, of_scores)
    run: Any = learn_by_tests if method == "pc" else partial(by_score, method=method)
    with progress():
        rows = table[0] if len(table) == 1 else table
        found = run(rows, **known, **settings, out=out, seed=seed, dialect=SHELL, **reading)
    if as_json:
        print_json(found.to_dict() | {"file": None if out is None else str(out)})
        return
    print_line(found.text())
    if out is not None:
        print_line(f"written to {out}")


def _settings_of(method: str, of_tests: dict[str, Any], of_scores: dict[str, Any]) -> dict[str, Any]:
    """Those that were given; ``InputError`` for one that says nothing to the method."""
    mine, others = (of_tests, of_scores) if method == "pc" else (of_scores, of_tests)
    for name, value in others.items():
        if value is not None:
            option = "--" + name.replace("_", "-")
            suits = "the methods that go by a score" if method == "pc" else "--method pc"
            raise InputError(f"{option} is for {suits}; leave it out with --method {method}")
    return {name: value for name, value in mine.items() if value is not None}
