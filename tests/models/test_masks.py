"""Masks: orderings, degrees, the rules of MADE, and the proof that nothing looks ahead."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.core.records import dump_json
from chainrule.homework.masks.worked_masks import explain_masks
from chainrule.models.made.masks import (
    assign_degrees,
    build_masks,
    check_autoregressive,
    connectivity,
    direct_mask,
    reachability,
)
from chainrule.models.shared.ordering import parse_ordering, positions, variable_names
from tests.oracles import made_paths

HOMEWORK = [1, 3, 0, 2]  # x2, x4, x1, x3


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """A small network: an ordering, and degrees of up to three layers, chosen freely within 0..d-1."""
    d = draw(st.integers(1, 6))
    order = draw(st.permutations(range(d)))
    layer = st.lists(st.integers(0, d - 1), min_size=1, max_size=4)
    return list(order), draw(st.lists(layer, max_size=3))


# Orderings


@pytest.mark.parametrize(
    "ordering",
    [
        "x2,x4,x1,x3",
        " x2 x4  x1 x3 ",
        ["x2", "x4", "x1", "x3"],
        [1, 3, 0, 2],
        (1, 3, 0, 2),
        np.array(HOMEWORK),
    ],
)
def test_every_way_to_write_an_ordering_gives_the_same_columns(ordering: object) -> None:
    assert parse_ordering(ordering).tolist() == HOMEWORK  # type: ignore[arg-type]
    assert parse_ordering(ordering, 4).tolist() == HOMEWORK  # type: ignore[arg-type]


NAMED = ["rain, snow", "wet soil", "x1"]


@pytest.mark.parametrize(
    "ordering",
    [
        'wet soil, "rain, snow", x1',
        ' wet soil ,"rain, snow",x1 ',
        ["wet soil", "rain, snow", "x1"],
        [1, 0, 2],
    ],
)
def test_with_names_only_commas_part_them_and_quotes_keep_a_comma(ordering: object) -> None:
    assert parse_ordering(ordering, names=NAMED).tolist() == [1, 0, 2]  # type: ignore[arg-type]


@pytest.mark.parametrize("ordering", ["wet soil, rain, snow, x1", "wet soil x1", "x1,x2,x3", ["wet", "soil"]])
def test_a_name_that_is_none_of_the_variables_is_refused(ordering: object) -> None:
    with pytest.raises(InputError, match="each name \\(rain, snow, wet soil, x1\\) once"):
        parse_ordering(ordering, names=NAMED)  # type: ignore[arg-type]


def test_natural_is_the_identity_and_random_is_a_permutation_fixed_by_its_seed() -> None:
    assert parse_ordering("natural", 3).tolist() == [0, 1, 2]
    a, b = parse_ordering("random", 50, rng=7), parse_ordering("random", 50, rng=7)
    assert a.tolist() == b.tolist()
    assert sorted(a.tolist()) == list(range(50))
    assert a.tolist() != parse_ordering("random", 50, rng=8).tolist()


def test_random_orderings_from_one_generator_differ() -> None:
    rng = np.random.default_rng(0)
    assert parse_ordering("random", 50, rng=rng).tolist() != parse_ordering("random", 50, rng=rng).tolist()


@pytest.mark.parametrize(
    ("ordering", "d"),
    [
        ("x1,x2", 3),  # too few
        ("x1,x2,x2", 3),  # twice
        ("x0,x1", 2),  # names count from 1
        ([1, 2], 2),  # integers count from 0
        ([-1, 0], 2),
        ("1,0", 2),  # a text of bare numbers could mean either
        ("x1,y2", 2),
        ("x1.5,x2", 2),
        ([0.0, 1.0], 2),
        ([True, False], 2),
        ("", 1),
        ([], None),
        ("sideways", 2),
    ],
)
def test_an_ordering_that_is_no_permutation_is_refused_with_what_was_expected(
    ordering: object, d: int
) -> None:
    with pytest.raises(InputError, match=r"an ordering of \d+ variables is 'natural', 'random'.* got "):
        parse_ordering(ordering, d)  # type: ignore[arg-type]


def test_an_ordering_of_another_type_is_refused() -> None:
    with pytest.raises(InputError, match="got 3"):
        parse_ordering(3, 2)  # type: ignore[arg-type]


def test_a_named_ordering_without_a_width_is_refused() -> None:
    with pytest.raises(InputError, match="needs the number of variables"):
        parse_ordering("natural")


@given(st.permutations(range(8)))
def test_positions_invert_the_ordering(order: list[int]) -> None:
    places = positions(order)
    assert [places[v] for v in order] == list(range(8))


# Degrees


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 20), min_size=1, max_size=3),
    st.sampled_from(["even", "random"]),
)
def test_degrees_lie_in_range_and_never_below_the_lowest_of_the_layer_before(
    d: int, hidden: list[int], scheme: str
) -> None:
    degrees = assign_degrees(d, hidden, rng=0, scheme=scheme)  # type: ignore[arg-type]
    assert [len(m) for m in degrees] == hidden
    if d == 1:
        assert all((m == 0).all() for m in degrees)
        return
    lowest = 1
    for m in degrees:
        assert m.min() >= lowest
        assert m.max() <= d - 1
        lowest = m.min()


@given(st.integers(2, 30), st.integers(0, 40))
def test_even_degrees_are_balanced_and_leave_none_out_where_the_layer_is_wide_enough(
    d: int, extra: int
) -> None:
    (m,) = assign_degrees(d, [d - 1 + extra])
    counts = np.bincount(m, minlength=d)[1:]
    assert counts.min() >= 1
    assert counts.max() - counts.min() <= 1


def test_even_degrees_of_a_narrow_layer_reach_over_the_whole_range() -> None:
    (m,) = assign_degrees(101, [4])
    assert m.tolist() == [13, 38, 63, 88]


@given(st.integers(2, 12), st.lists(st.integers(12, 20), min_size=1, max_size=3))
def test_with_even_degrees_and_wide_layers_every_output_sees_every_earlier_input(
    d: int, hidden: list[int]
) -> None:
    order = parse_ordering("random", d, rng=d)
    masks = build_masks(order, assign_degrees(d, hidden))
    assert (reachability(masks) == direct_mask(order)).all()


def test_random_degrees_follow_their_seed() -> None:
    a, b, c = (assign_degrees(20, [50, 50], rng=seed, scheme="random") for seed in (1, 1, 2))
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert any((x != y).any() for x, y in zip(a, c, strict=True))


@pytest.mark.parametrize("hidden", [[0], [-1], [2.5], [True], ["4"]])
def test_a_layer_without_units_is_refused(hidden: list[object]) -> None:
    with pytest.raises(InputError, match="the size of a hidden layer must be an integer of at least 1"):
        assign_degrees(4, hidden)  # type: ignore[arg-type]


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(InputError, match="'even' or 'random'"):
        assign_degrees(4, [4], scheme="odd")  # type: ignore[arg-type]


# Masks


@given(networks())
def test_the_product_of_the_masks_counts_every_path(network: tuple[list[int], list[list[int]]]) -> None:
    order, degrees = network
    assert connectivity(build_masks(order, degrees)).tolist() == made_paths(order, degrees)


@given(networks())
def test_reachability_is_where_there_is_a_path(network: tuple[list[int], list[list[int]]]) -> None:
    masks = build_masks(*network)
    assert (reachability(masks) == (connectivity(masks) > 0)).all()


@given(networks())
def test_no_output_sees_itself_or_a_later_input(network: tuple[list[int], list[list[int]]]) -> None:
    order, degrees = network
    paths = connectivity(build_masks(order, degrees))[np.ix_(order, order)]
    assert not np.triu(paths).any()
    check_autoregressive(build_masks(order, degrees), order)


@given(networks(), st.data())
def test_any_connection_that_looks_ahead_is_found_and_named(
    network: tuple[list[int], list[list[int]]], data: st.DataObject
) -> None:
    order, _ = network
    d = len(order)
    late, early = sorted(data.draw(st.tuples(st.integers(0, d - 1), st.integers(0, d - 1))), reverse=True)
    mask = direct_mask(order)
    mask[order[early], order[late]] = True  # the output of the earlier (or same) variable sees the later one
    with pytest.raises(InputError, match=rf"output x{order[early] + 1} depends on input x{order[late] + 1},"):
        check_autoregressive([mask], order)


def test_the_homework_ordering_gives_the_masks_worked_by_hand() -> None:
    first, second = build_masks(HOMEWORK, [[1, 2, 2, 3]])
    #                               x1 x2 x3 x4, numbered 3 1 4 2
    assert first.astype(int).tolist() == [[0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1], [1, 1, 0, 1]]
    assert second.astype(int).tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]]


def test_numbering_units_by_column_instead_of_by_place_would_look_ahead() -> None:
    by_column = build_masks([0, 1, 2, 3], [[1, 2, 2, 3]])
    with pytest.raises(InputError, match="does not come before it in the order x2, x4, x1, x3"):
        check_autoregressive(by_column, HOMEWORK)


def test_letting_outputs_see_their_own_degree_would_look_at_themselves() -> None:
    first, second = build_masks(HOMEWORK, [[1, 2, 2, 3]])
    degrees = np.array([1, 2, 2, 3])
    loose = second | ((positions(HOMEWORK) + 1)[:, None] == degrees)
    with pytest.raises(InputError, match="output x1 depends on input x1"):
        check_autoregressive([first, loose], HOMEWORK)


def test_masks_have_the_shapes_of_the_weights() -> None:
    assert [m.shape for m in build_masks(range(5), assign_degrees(5, [7, 3]))] == [(7, 5), (3, 7), (5, 3)]


def test_without_hidden_layers_the_mask_is_the_direct_one() -> None:
    (mask,) = build_masks(HOMEWORK, [])
    assert (mask == direct_mask(HOMEWORK)).all()
    assert mask.sum() == 6


def test_one_variable_has_an_output_that_sees_nothing() -> None:
    for hidden in ([], [3], [3, 2]):
        masks = build_masks([0], assign_degrees(1, hidden))
        assert connectivity(masks).tolist() == [[0]]
        check_autoregressive(masks, [0])


@pytest.mark.parametrize("degrees", [[[4]], [[-1]], [[]], [[1.5]], [[[1]]]])
def test_degrees_out_of_range_or_shape_are_refused(degrees: list[object]) -> None:
    with pytest.raises(InputError, match="hidden layer 1"):
        build_masks(HOMEWORK, degrees)  # type: ignore[arg-type]


def test_masks_of_different_networks_do_not_chain() -> None:
    with pytest.raises(InputError, match="mask 2 takes 5 units, mask 1 gives 4"):
        connectivity([np.ones((4, 3)), np.ones((3, 5))])
    with pytest.raises(InputError, match="non-empty list of matrices"):
        reachability([])
    with pytest.raises(InputError, match="3 inputs to 3 outputs, the ordering has 4"):
        check_autoregressive([np.ones((3, 3))], HOMEWORK)


def test_path_counts_beyond_float_precision_stay_exact() -> None:
    layers = [[1] * 9] * 20
    paths = connectivity(build_masks([0, 1], layers))
    assert int(paths[1, 0]) == 9**20
    assert int(paths[0].sum()) == 0


def test_a_network_of_image_size_is_autoregressive() -> None:
    order = parse_ordering("random", 784, rng=3)
    masks = build_masks(order, assign_degrees(784, [1000, 1000], rng=4, scheme="random"))
    check_autoregressive(masks, order)


# The worked steps


@given(networks())
def test_the_worked_steps_agree_with_the_masks_for_any_network(
    network: tuple[list[int], list[list[int]]],
) -> None:
    order, degrees = network
    e = explain_masks(order, degrees=degrees)
    assert [m.tolist() for m in e.masks] == [m.tolist() for m in build_masks(order, degrees)]
    for table, mask in zip(e.tables, e.masks, strict=True):
        entries = [[int(str(cell)[-1]) for cell in row[1:]] for row in table.rows]
        assert entries == mask.astype(int).tolist()
        written = [str(cell).split(":")[0].split() for row in table.rows for cell in row[1:]]
        holds = [int(a) < int(b) or (sign == "≤" and a == b) for a, sign, b in written]
        assert holds == mask.ravel().tolist()
    names = variable_names(len(order))
    for i, j in itertools.product(range(len(order)), repeat=2):
        reached = names[j] in e.sees[names[i]]
        allowed = order.index(j) < order.index(i)
        assert reached == bool(e.paths[i, j])
        assert (names[j] in e.unused.get(names[i], [])) == (allowed and not reached)


def test_the_worked_homework_names_what_each_output_sees() -> None:
    e = explain_masks("x2,x4,x1,x3", [4, 4])
    assert e.sees == {"x2": [], "x4": ["x2"], "x1": ["x2", "x4"], "x3": ["x2", "x4", "x1"]}
    assert e.unused == {}
    text = e.to_text()
    assert "x2 is 1, x4 is 2, x1 is 3, x3 is 4" in text
    assert "of the 10 entries on and above the diagonal 0 differ from zero; of the 6 below it 6 do" in text


def test_a_network_too_narrow_for_the_chain_rule_says_what_it_misses() -> None:
    e = explain_masks("x1,x2,x3", degrees=[[1]])
    assert e.unused == {"x3": ["x2"]}
    assert "x3 does not see x2" in e.to_text()


def test_the_worked_steps_are_plain_data() -> None:
    plain = explain_masks("x2,x1", [3, 2]).to_plain()
    assert json.loads(dump_json(plain)) == plain
    assert plain["order"] == ["x2", "x1"]
    assert plain["numbers"] == {"x1": 2, "x2": 1}


def test_a_large_network_is_explained_without_tables_of_a_million_cells() -> None:
    e = explain_masks("random", [500], d=784, rng=0)
    assert e.tables == []
    assert len(e.to_text()) < 20_000


def test_random_choices_for_the_ordering_and_the_degrees_come_from_one_stream() -> None:
    a, b = (explain_masks("random", [9, 9], d=9, scheme="random", rng=5) for _ in range(2))
    assert a.to_plain() == b.to_plain()
