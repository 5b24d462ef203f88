import math

from gan_cli.comparison.differences import find_differences
from tests.comparison.run_folders import config


def differences(*configs, names=None):
    found = find_differences(configs, names or [str(number) for number in range(len(configs))])
    return {setting.key: setting for setting in found}


def values(*configs, **names):
    return {key: setting.values for key, setting in differences(*configs, **names).items()}


def test_what_is_the_same_is_left_out():
    assert values(config(), config()) == {}
    assert values(config()) == {}
    assert values(config(x=1), config(x=1.0)) == {}
    assert values(config(x=math.nan), config(x=math.nan)) == {}


def test_linked_keys_are_one_column():
    assert values(config(lr=1e-4), config(lr=2e-4)) == {"optimizer.lr": (1e-4, 2e-4)}


def test_a_side_of_its_own_is_a_column_of_its_own():
    own = config(lr=1e-4)
    own["optimizer"]["discriminator"]["lr"] = 4e-4
    assert values(own, config(lr=2e-4)) == {
        "optimizer.lr": (1e-4, 2e-4),
        "optimizer.discriminator.lr": (4e-4, 2e-4),
    }


def test_keys_that_agree_by_chance_both_stay():
    assert set(values(config(seed=0, workers=0), config(seed=1, workers=1))) == {"seed", "workers"}


def test_all_kinds_of_values():
    one = config(a=[1, 2.5], b=None, c=True, d="x", e={}, f=0)
    two = config(a=[1], b=3, c=False, d="y", e={"k": 1}, f=False)
    assert values(one, two) == {
        "a": ("[1, 2.5]", "[1]"),
        "b": ("null", 3),
        "c": ("true", "false"),
        "d": ("x", "y"),
        "e.k": (None, 1),
        "f": (0, "false"),
    }
    assert values(config(a=None), config()) == {"a": ("null", None)}


def test_tricks_are_one_column_of_names():
    ema = {"_target_": "gan_cli.engine.ema.EMA", "decay": 0.999}
    noise = {"_target_": "gan_cli.tricks.views.InstanceNoise", "std": 0.1}
    found = differences(
        config(tricks={}), config(tricks={"ema": ema, "noise": noise}), config(tricks={"ema": ema})
    )
    assert found["tricks"].values == ("none", "ema, noise", "ema")
    assert not found["tricks"].detail
    assert found["tricks.noise.std"].detail
    assert not [key for key in found if "_target_" in key], "the names say it"


def test_what_a_model_brings_along_is_detail():
    networks = "gan_cli.networks"
    one = config(model={"generator": {"_target_": f"{networks}.dcgan.Generator", "width": 8}})
    two = config(name="vanilla-digits")
    two["model"] = {"generator": {"_target_": f"{networks}.mlp.Generator", "hidden": [8]}}
    found = differences(one, two)
    assert {key for key, setting in found.items() if setting.detail} == {
        *("model.generator", "model.generator.width", "model.generator.hidden"),
    }
    assert set(found) - {key for key, setting in found.items() if setting.detail} == {"name"}
    # where the name does not give it away, the class is no detail
    two["name"] = one["name"]
    assert not differences(one, two)["model.generator"].detail


def test_a_class_goes_by_its_name_and_by_its_files_where_that_is_not_enough():
    def of(path):
        return config(loss={"_target_": path})

    hinge, other = "gan_cli.games.losses.Hinge", "mine.losses.deep.Hinge"
    assert values(of(hinge), of("gan_cli.games.losses.Minimax")) == {"loss": ("Hinge", "Minimax")}
    assert values(of(hinge), of(other)) == {"loss": ("losses.Hinge", "deep.Hinge")}
    assert values(of(hinge), config()) == {"loss": ("Hinge", None)}


def test_a_name_that_the_runs_names_hold_is_left_out():
    pair = config(), config(name="wgan-digits")
    assert "name" in values(*pair)
    assert "name" not in values(*pair, names=["12-00-00-dcgan-digits", "12-30-00-wgan-digits"])
    assert "name" in values(*pair, names=["12-00-00-dcgan-digits", "tidied"])
