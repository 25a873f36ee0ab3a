import pytest

from lib.errors import ConfigError
from lib.profiles import NOTEBOOKS, available, read_profile
from lib.report.parameters import declared_parameters


@pytest.mark.parametrize("name", available())
def test_every_profile_sets_only_parameters_that_its_chapters_have(name):
    profile = read_profile(name)
    for dataset, notebook in profile.chapters():
        assert set(profile.chapter_parameters(dataset, notebook)) <= set(declared_parameters(notebook))


def test_a_profile_has_every_notebook_for_every_dataset():
    profile = read_profile("quick")
    assert len(profile.chapters()) == len(NOTEBOOKS) * len(profile.datasets)


def test_the_full_profile_is_the_papers_scale():
    profile = read_profile("full")
    for dataset in ("smic", "casme2_sq"):
        assert profile.chapter_parameters(dataset, "03_micro_exp_stcnn")["epochs"] == 100
        assert profile.datasets[dataset]["clips"] == 0


def test_an_unknown_profile_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="full, quick, tiny"):
        read_profile("slow")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("datasets: {smick: {clips: 3}}", "smick.*did you mean 'smic'"),
        ("datasets: {smic: {clip: 3}}", "did you mean 'clips'"),
        ("datasets: {smic: {clips: many}}", "expected int, found 'many'"),
        ("datasets: {smic: {}}\ntraining: {micro_exp_stcn: {}}", "did you mean 'micro_exp_stcnn'"),
        ("datasets: {smic: {}}\ntraining: {micro_exp_stcnn: {casme2_sq: {}}}", "casme2_sq"),
        ("datasets: {smic: {}}\ntraining: {micro_exp_stcnn: {smic: {epoch: 3}}}", "did you mean 'epochs'"),
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


def test_a_network_without_parameters_of_its_own_may_be_left_empty(tmp_path):
    (tmp_path / "mine.yml").write_text("datasets: {smic: }\ntraining: {micro_exp_stcnn: }", encoding="utf-8")
    assert read_profile("mine", tmp_path).chapter_parameters("smic", "03_micro_exp_stcnn") == {"dataset": "smic"}
