"""One worker leads, and another when it has gone."""

from pathlib import Path

from governance.jobs.leadership import Leadership


def test_one_of_those_that_share_a_folder_leads(tmp_path: Path) -> None:
    first, second = Leadership(str(tmp_path)), Leadership(str(tmp_path))
    assert [first.held(), second.held(), first.held()] == [True, False, True]
    first.release()
    assert second.held()
    assert not first.held()
    second.release()


def test_one_that_is_alone_leads() -> None:
    alone = Leadership(None)
    assert alone.held()
    alone.release()
    assert alone.held()
