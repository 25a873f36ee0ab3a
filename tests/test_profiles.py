import pytest

from lib.errors import ConfigError
from lib.profiles import ALWAYS, NO_DATASET, NOTEBOOKS, available, read_profile
from lib.report.parameters import declared_parameters


@pytest.mark.parametrize("name", available())
def test_every_profile_sets_only_parameters_that_its_chapters_have(name):
    profile = read_profile(name)
    for dataset, notebook in profile.chapters():
        assert set(profile.chapter_parameters(dataset, notebook)) <= set(declared_parameters(notebook))


def test_a_dataset_has_the_chapters_of_every_dataset_and_those_it_has_a_line_for(tmp_path):
    (tmp_path / "mine.yml").write_text("datasets: {smic: }\nchapters: {11_rigorous: {smic: }}", encoding="utf-8")
    chapters = read_profile("mine", tmp_path).chapters()
    assert chapters == [*(("smic", one) for one in (*ALWAYS, "11_rigorous")), (NO_DATASET, "09_audit")]


def test_the_quick_and_the_full_book_have_every_chapter_for_smic():
    for name in ("quick", "full"):
        assert {one for dataset, one in read_profile(name).chapters() if dataset == "smic"} == set(NOTEBOOKS)


def test_the_full_profile_is_the_papers_scale():
    profile = read_profile("full")
    for dataset in ("smic", "casme2_sq"):
        (run,) = profile.runs(dataset, "03_micro_exp_stcnn")
        assert (run.epochs, run.batch_size, run.kernel_size) == (100, 8, (3, 3, 15))
        assert profile.datasets[dataset]["clips"] == 0
        assert {run.seed for run in profile.runs(dataset, "06_comparison")} == set(range(5))


def test_a_run_that_several_chapters_ask_for_is_listed_once():
    profile = read_profile("full")
    asked = [config for notebook in NOTEBOOKS for config in profile.runs("smic", notebook)]
    assert len(profile.all_runs("smic")) == len(set(asked)) < len(asked)


def test_an_unknown_profile_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="full, quick, tiny"):
        read_profile("slow")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("datasets: {smick: {clips: 3}}", "smick.*did you mean 'smic'"),
        ("datasets: {smic: {clip: 3}}", "did you mean 'clips'"),
        ("datasets: {smic: {clips: many}}", "expected int, found 'many'"),
        ("datasets: {smic: {}}\nchapters: {06_comparisn: {}}", "did you mean '06_comparison'"),
        ("datasets: {smic: {}}\nchapters: {06_comparison: {casme2_sq: {}}}", "casme2_sq"),
        ("datasets: {smic: {}}\nchapters: {06_comparison: {smic: {epoch: 3}}}", "did you mean 'epochs'"),
        ("", "at least one dataset"),
        ("datasets: [smic]", r"datasets: expected names with values, found \['smic'\]; known: smic, casme2_sq"),
        ("smic", "mine.yml: expected names with values, found 'smic'"),
        ("datasets: {smic: 3}", "smic: expected names with values, found 3"),
        ("datasets: {smic: ", "mine.yml is no valid YAML"),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_place(tmp_path, content, message):
    (tmp_path / "mine.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_profile("mine", tmp_path)


def test_a_chapter_without_parameters_of_its_own_may_be_left_empty(tmp_path):
    (tmp_path / "mine.yml").write_text("datasets: {smic: }\nchapters: {06_comparison: }", encoding="utf-8")
    assert read_profile("mine", tmp_path).chapter_parameters("smic", "03_micro_exp_stcnn") == {"dataset": "smic"}
