import json
from dataclasses import replace

import pytest

from lib.core.errors import ConfigError
from lib.preprocessing import PreprocessConfig, config, default_config
from lib.preprocessing.config import RELEASED_READING


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"frames": 1}, "frames: expected a whole number of at least 2, found 1"),
        ({"frames": 18.0}, "found 18.0"),
        ({"sampling": "last"}, "first, window, tim; found 'last'"),
        ({"crop": "loose"}, "crop: expected one of"),
        ({"grey": "mean"}, "grey: expected one of luma, rgb_as_bgr"),
        ({"detection": "once"}, "detection: expected one of tracked, released"),
        ({"streams": ("eyes", "nose")}, "found .*nose"),
        ({"streams": "eyes"}, "streams"),
        ({"streams": ()}, "streams"),
        ({"start": 5}, "needs sampling='window'"),
        ({"max_gap": -1}, "max_gap"),
        ({"upsample": True}, "upsample"),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error_that_names_it(settings, told):
    with pytest.raises(ConfigError, match=told):
        PreprocessConfig(**settings)


def test_streams_have_one_order_however_they_are_given():
    assert PreprocessConfig(streams=["mouth", "eyes"]) == PreprocessConfig(streams=("eyes", "mouth"))


def test_presets_read_what_the_authors_code_reads():
    casme, smic = default_config("casme2_sq"), default_config("smic")
    assert (casme.sampling, casme.start, casme.frames) == ("window", 72, 96)
    assert (smic.sampling, smic.frames) == ("first", 18)
    assert default_config("class_folders").frames == 18
    assert (casme.frame_size, casme.region_size, casme.crop) == (64, 32, "authors")
    with pytest.raises(ConfigError, match="casme2_sq, smic, class_folders; found 'casme3'"):
        default_config("casme3")


def test_the_settings_that_kept_runs_stand_on_keep_their_identity():
    assert default_config("smic").identity() == {
        "frames": 18,
        "sampling": "first",
        "start": 0,
        "streams": ["frame", "face", "eyes", "mouth"],
        "frame_size": 64,
        "region_size": 32,
        "crop": "authors",
        "max_gap": 3,
        "upsample": 1,
    }


def test_a_setting_added_later_renames_only_what_it_changes(monkeypatch):
    monkeypatch.setitem(config.ADDED_SINCE, "crop", "authors")
    assert "crop" not in PreprocessConfig().identity()
    assert PreprocessConfig(crop="steady").identity()["crop"] == "steady"


@pytest.mark.parametrize("released", RELEASED_READING.values())
def test_a_stand_in_read_as_the_released_code_does_has_another_identity(released):
    default = PreprocessConfig()
    apart = {name: value for name, value in released.items() if value != getattr(default, name)}
    assert PreprocessConfig(**released).identity() == default.identity() | apart


def test_a_configuration_survives_json():
    chosen = replace(default_config("smic"), streams=("eyes",), crop="steady")
    assert PreprocessConfig(**json.loads(json.dumps(chosen.to_dict()))) == chosen
