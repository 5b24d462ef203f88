from omegaconf import OmegaConf

from gan_cli.config.checkpointed import relink


def test_what_was_linked_is_linked_again_also_where_it_is_null():
    saved = {
        "name": "run",
        "data": {"limit": None, "size": 8, "images": {"limit": None, "size": 9}},
    }
    links = {
        "data.images.limit": "data.limit",
        "data.images.size": "data.size",
        "data.images.gone": "data.limit",
    }
    config = relink(saved, links)
    assert OmegaConf.to_container(config.data, resolve=False) == {
        "limit": None,
        "size": 8,
        # an override had come between the two sizes
        "images": {"limit": "${data.limit}", "size": 9},
    }
