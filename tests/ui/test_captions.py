import re

import torch

from explorer.metrics.recognition import Opinions, Prediction
from explorer.metrics.scores import Scores
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.stage.captions import (
    describe_fooling,
    describe_gap,
    describe_layers,
    describe_look,
    describe_pairs,
    describe_passes,
    describe_scores,
    describe_seen,
    flat_psnr_db,
)


def scores(psnr_db: float, feature_error: float) -> Scores:
    return Scores({"psnr_db": psnr_db, "feature_error": feature_error})


def test_the_flat_baseline_of_black_and_white_is_six_decibels():
    halves = torch.zeros(1, 3, 4, 4)
    halves[..., :2] = 1
    assert abs(flat_psnr_db(halves) - 6.02) < 0.01


def test_a_picture_no_better_than_one_colour_resembles_nothing():
    said = describe_layers({"layer1": 27.9, "layer4": 15.0}, flat_db=15.0)
    assert [sentence.text for sentence in said] == [
        "layer1 gives back fine detail (27.9 dB).",
        "layer4 gives back nothing better than one flat colour (15.0 dB).",
        "Each deeper layer gives back less.",
    ]


def test_only_a_picture_no_better_than_one_colour_is_said_to_be_so():
    ramp = torch.linspace(0, 1, 224).expand(1, 3, 224, 224)
    flat_db, thumbnails = flat_psnr_db(ramp), Thumbnails(ramp)
    for psnr_db in (flat_db - 1, flat_db, flat_db + 0.1, flat_db + 0.9, flat_db + 1.5):
        is_flat = thumbnails.side_of(psnr_db) == 1
        assert (describe_look(psnr_db, flat_db) == "nothing better than one flat colour") == is_flat
    assert describe_look(flat_db + 0.5, flat_db) == "little more than one flat colour"


def test_a_sentence_names_no_layer_but_those_it_says_it_is_about():
    psnr_db = {"layer1": 27.9, "layer2": 24.0, "layer4": 15.2}
    said = describe_layers(psnr_db, flat_db=10.0) + describe_gap({"layer3": scores(15.0, 0.05)})
    for sentence in said:
        assert set(re.findall("layer[1-4]", sentence.text)) <= set(sentence.about)
    assert said[2].about == ("layer1", "layer2", "layer4")


def test_looking_again_is_told_with_the_figure_of_every_pass_and_held_back_with_its_layer():
    sentence = describe_passes("layer1", [29.43, 31.08, 31.44])
    assert "decoded (29.4 dB), then looked at again and corrected (31.1 → 31.4 dB)" in sentence.text
    assert sentence.about == ("layer1",)


def test_the_trend_is_claimed_only_where_it_holds():
    said = describe_layers({"layer1": 27.9, "layer3": 18.1, "layer4": 20.0}, flat_db=10.0)
    assert not any("Each deeper layer" in sentence.text for sentence in said)


def test_a_gap_between_features_and_picture_is_pointed_out():
    (sentence,) = describe_gap({"layer1": scores(25.0, 0.02), "layer3": scores(15.0, 0.05)})
    assert sentence.about == ("layer3",)
    assert describe_gap({"layer1": scores(25.0, 0.02)}) == []


def recognition(own: float, other: float) -> Scores:
    return Scores({"top1_agreement": own, "recognised_top5": other})


def test_a_picture_that_only_its_own_network_recognises_is_said_to_fool_it():
    scores = {"layer1": recognition(1, 1), "layer3": recognition(0, 0), "layer4": recognition(1, 0)}
    (sentence,) = describe_fooling(scores)
    assert sentence.about == ("layer4",)
    assert sentence.text.endswith("the picture fools its own network.")


def test_an_untrained_network_is_not_said_to_be_fooled():
    scores = {"layer4": recognition(1, 0)}
    assert describe_scores(scores, is_trained=False) == []
    assert len(describe_scores(scores, is_trained=True)) == 1


def test_layers_are_told_of_in_the_order_given_whatever_their_names() -> None:
    said = describe_layers({"features.15": 27.9, "avgpool": 15.2}, flat_db=10.0)
    assert [sentence.about for sentence in said[:2]] == [("features.15",), ("avgpool",)]
    assert said[2].text == "Each deeper layer gives back less."
    (sentence,) = describe_gap({"features.15": scores(15.0, 0.05), "avgpool": scores(12.0, 0.05)})
    assert sentence.about == ("avgpool",)


def test_only_a_layer_that_random_pairs_come_near_to_is_told_of() -> None:
    given = {
        "layer1": Scores({}, farther_pairs=1000),
        "layer4": Scores({}, farther_pairs=846),
        "x": Scores({}),
    }
    told = [sentence.text for sentence in describe_pairs(given)]
    assert told == ["layer4: its features are closer than 846 of 1,000 random pairs of photos."]


def test_what_two_networks_see_alike_is_said_once():
    tabby = Prediction("tabby", 0.7)
    assert describe_seen(Opinions(tabby, Prediction("tabby", 0.4))) == "Both networks: tabby 70% · 40%"
    told = describe_seen(Opinions(tabby, Prediction("stingray", 0.4)))
    assert told == "The network: tabby 70% · another: stingray 40%"
    assert describe_seen(None) == ""
