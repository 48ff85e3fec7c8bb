"""The command line as a user meets it: one line and exit code 2 for mistakes, JSON for machines."""

import json
import os
import subprocess
import sys

import pytest

from chainrule import cli

HEAVY = ("torch", "scipy", "sklearn", "sympy", "matplotlib", "numba", "jinja2", "tensorboard")


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["masks"], "Missing option '--order'"),
        (["masks", "--order", "x2,x2,x1"], "order"),
        (["masks", "--order", "x1,x2", "--hidden", "0"], "sizes are positive integers"),
        (["masks", "--order", "x1,x2", "--hidden", "4;4"], "sizes are positive integers"),
        (["masks", "--order", "x1,x2", "--degrees", "odd"], "even"),
        (["fly"], "No such command 'fly'"),
        (["data"], "Missing command"),
        (["data", "info", "mnits"], "did you mean 'mnist'"),
        (["data", "fetch", "nothing"], "there is no data set 'nothing'"),
        (["derive", "gauss"], "there is no"),
        (["derive", "exponential", "--data", "/nowhere/x.csv"], "/nowhere/x.csv"),
        (["reproduce", "--problems", "8"], "problems are numbers from 1 to 7"),
        (["reproduce", "--problems", "1,,2"], "problems are numbers from 1 to 7"),
        (["reproduce", "--data", "cifar"], "--data must be one of"),
        (["reproduce", "--preset", "huge"], "preset must be 'quick' or 'full'"),
        (["reproduce", "--seed", "many"], "--seed"),
        (["reproduce", "--problems", "7", "--out", "/proc/nowhere"], "cannot write to /proc/nowhere"),
        (["report", "/nowhere"], "/nowhere"),
    ],
)
def test_a_mistake_gives_one_clear_line_and_exit_code_2(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert out == ""


def test_a_negative_seed_is_refused_before_anything_is_written(capsys, tmp_path):
    code, _, err = run(capsys, "reproduce", "--problems", "7", "--seed", "-1", "--out", str(tmp_path / "out"))
    assert (code, err.count("\n")) == (2, 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "1,2\n3", "a,b\n1,x\n", "-1\n2\n", "nan\n1\n"])
def test_a_data_file_that_cannot_be_fitted_gives_one_line(capsys, tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    code, out, err = run(capsys, "derive", "exponential", "--data", str(tmp_path / "x.csv"))
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_help_lists_the_commands(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in ("reproduce", "report", "data", "masks", "derive"):
        assert command in out


def test_masks_of_problem_six_as_json_and_as_text(capsys):
    code, out, _ = run(capsys, "masks", "--order", "x2,x4,x1,x3", "--hidden", "4,4", "--json")
    found = json.loads(out)
    assert code == 0
    assert [len(m) for m in found["masks"]] == [4, 4, 4]
    code, out, _ = run(capsys, "masks", "--order", "x2,x4,x1,x3", "--hidden", "4,4")
    assert code == 0
    assert "x2" in out


def test_derive_fits_the_numbers_of_a_file(capsys, tmp_path):
    (tmp_path / "x.csv").write_text("waiting\n1.0\n2.0\n3.0\n")
    code, out, _ = run(capsys, "derive", "exponential", "--data", str(tmp_path / "x.csv"), "--json")
    assert code == 0
    assert "0.5" in json.dumps(json.loads(out))
    code, out, _ = run(capsys, "derive", "exponential", "--data", str(tmp_path / "x.csv"))
    assert code == 0
    assert "0.5" in out


def test_data_list_and_info_as_json(capsys):
    code, out, _ = run(capsys, "data", "list", "--json")
    assert code == 0
    assert "digits" in [d["name"] for d in json.loads(out)]
    code, out, _ = run(capsys, "data", "info", "binarized-mnist", "--json")
    assert code == 0
    assert "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d" in out


def test_reproduce_prints_one_json_document_and_goes_on_where_it_was(capsys, tmp_path):
    out_dir = str(tmp_path / "out")
    code, out, _ = run(capsys, "reproduce", "--problems", "4,6", "--out", out_dir, "--json")
    first = json.loads(out)
    assert code == 0
    assert set(first["numbers"]) == {"4", "6"}
    assert {c["verdict"] for c in first["claims"]} <= {"holds", "holds in part", "fails"}
    code, out, err = run(capsys, "reproduce", "--problems", "6", "--out", out_dir, "--json")
    assert code == 0
    assert "problem 6 is done already" in err
    assert json.loads(out)["claims"] == first["claims"]
    page = (tmp_path / "out" / "index.html").read_bytes()
    (tmp_path / "out" / "index.html").unlink()
    code, out, _ = run(capsys, "report", out_dir)
    assert code == 0
    assert (tmp_path / "out" / "index.html").read_bytes() == page


def test_results_of_other_settings_are_never_replaced_without_a_word(capsys, tmp_path):
    out_dir = str(tmp_path / "out")
    assert run(capsys, "reproduce", "--problems", "6", "--out", out_dir)[0] == 0
    before = (tmp_path / "out" / "results.json").read_bytes()
    code, _, err = run(capsys, "reproduce", "--problems", "6", "--out", out_dir, "--seed", "5")
    assert code == 2
    assert "seed 0 there, 5 now" in err
    assert "--fresh" in err
    assert (tmp_path / "out" / "results.json").read_bytes() == before
    assert run(capsys, "reproduce", "--problems", "6", "--out", out_dir, "--seed", "5", "--fresh")[0] == 0


def test_damaged_results_are_named_and_left_alone(capsys, tmp_path):
    (tmp_path / "results.json").write_text('{"format": "chainrule-res')
    for arguments in (["report", str(tmp_path)], ["reproduce", "--problems", "6", "--out", str(tmp_path)]):
        code, _, err = run(capsys, *arguments)
        assert (code, err.count("\n")) == (2, 1)
        assert "results.json" in err
    assert (tmp_path / "results.json").read_text() == '{"format": "chainrule-res'


def _fresh_python(code):
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "100"},
    )
    return found.stdout


def test_import_and_help_load_nothing_heavy():
    code = f"import sys, chainrule; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert _fresh_python(code).strip() == "[]"
    code = (
        "import sys, chainrule.cli as c; c.main(['--help']);"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert _fresh_python(code).strip().endswith("[]")


def test_every_public_name_is_there():
    import chainrule

    for name in chainrule.__all__:
        assert getattr(chainrule, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chainrule.nothing  # noqa: B018
