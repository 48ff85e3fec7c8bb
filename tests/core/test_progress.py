import pytest

from chainrule.core.progress import listening, note, track


class _Log:
    def __init__(self):
        self.events = []

    def start(self, label, total):
        self.events.append(("start", label, total))
        return 7

    def advance(self, task, detail):
        self.events.append(("advance", task, detail))

    def stop(self, task):
        self.events.append(("stop", task))

    def note(self, text):
        self.events.append(("note", text))


def test_each_step_is_reported_with_its_detail():
    log = _Log()
    with listening(log):
        work = track("ab", "letters")
        for letter in work:
            work.detail = letter.upper()
        note("done")
    note("nobody hears this")
    assert log.events == [
        ("start", "letters", 2),
        ("advance", 7, "A"),
        ("advance", 7, "B"),
        ("stop", 7),
        ("note", "done"),
    ]


def test_work_that_fails_is_stopped_for_the_listener():
    log = _Log()

    def fail():
        with listening(log):
            for _ in track(range(3), "work"):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert log.events[-1] == ("stop", 7)


def test_without_a_listener_nothing_is_printed(capsys):
    assert list(track(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
