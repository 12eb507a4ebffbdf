"""Attackers that practise on other people with the tool itself, and what published data teaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mot_anon.measure.privacy import publishing
from mot_anon.measure.privacy.attackers import AttackerConfig, NetworkAttacker, trained_on
from mot_anon.measure.privacy.attacks import Tools, centred, place
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Finding, Found, NotMeasured, recognition
from mot_anon.measure.privacy.inverter import InverterConfig, restore, trained_inverter
from mot_anon.measure.privacy.publishing import Publisher
from mot_anon.measure.privacy.reranking import reranked
from mot_anon.measure.privacy.retrieval import Outcome, across_cameras, retrieve
from mot_anon.plan.keys import KEY_BYTES, Key
from mot_anon.vision.training import Log

_NEEDS = "needs other people (--others) and the method that bodies were published with (--method)"


class Parrot:
    """The judge learns on, from other people before and after publishing (McPherson et al., 2016)."""

    name = "parrot"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Published → original, and published → published across cameras, by what was learnt."""
        tools = self._tools
        if tools.others is None or tools.publish is None:
            return [NotMeasured(self.name, _NEEDS)]
        others = tools.others
        keys = _own_keys(rng, tools.keys)
        practised = [tools.publish(others, key) for key in keys]
        learnt = trained_on([others, *practised], tools.network, tools.parrot, tools.log)
        blind = trained_on([others, publishing.grey(others)], tools.network, tools.parrot, tools.log)
        return _recognised(self.name, learnt, blind, original, published, rng)


class Inversion:
    """A network restores crops, having learnt on other people how, and the judge looks at what it restored."""

    name = "inversion"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Restored → original."""
        tools = self._tools
        if tools.others is None or tools.publish is None:
            return [NotMeasured(self.name, _NEEDS)]
        others, config = tools.others, InverterConfig(steps=tools.inversion_steps)
        pairs = [(tools.publish(others, key), others) for key in _own_keys(rng, tools.keys)]
        network = trained_inverter(pairs, tools.network, config, tools.log)
        blind = trained_inverter([(publishing.grey(others), others)], tools.network, config, tools.log)
        labels = original.labels
        allowed = across_cameras(labels, labels)
        gallery = centred(tools.judge(original.pixels), original.camera)

        def ranked(crops: Crops) -> Outcome:
            looks = centred(tools.judge(crops.pixels), crops.camera)
            return retrieve(reranked(looks, gallery, labels.camera, allowed, rng), labels, labels, allowed, rng)

        restored = [replace(crops, pixels=restore(network, crops.pixels)) for crops in published]
        filled = publishing.grey(original)
        return [
            recognition(
                self.name,
                f"restored → original, {place(original)}",
                [ranked(crops) for crops in restored],
                rng,
                floor=ranked(replace(filled, pixels=restore(blind, filled.pixels))),
                control=ranked(original),
            )
        ]


def use(
    train: Crops,
    test: Crops,
    publishers: Mapping[str, Publisher],
    config: AttackerConfig,
    rng: np.random.Generator,
    log: Log,
) -> Iterator[tuple[str, Finding]]:
    """What published data is still good for: networks that learnt on it, tested on originals of other people.

    The control is the same network that learnt on originals, the floor one that learnt on grey fills; all of them start
    from ImageNet.

    Parameters
    ----------
    publishers:
        Name → how ``train`` is published; each name comes out again with what its network finds.
    """
    labels = test.labels
    allowed = across_cameras(labels, labels)

    def tested(crops: Crops) -> Outcome:
        found = centred(trained_on([crops], None, config, log)(test.pixels), test.camera)
        return retrieve(reranked(found, found, labels.camera, allowed, rng), labels, labels, allowed, rng)

    control, floor = tested(train), tested(publishing.grey(train))
    protocol = f"learnt on published people, original → original, {place(test)}"
    for name, publish in publishers.items():
        published = tested(publish(train, *_own_keys(rng, 1)))
        yield name, recognition("use", protocol, [published], rng, floor=floor, control=control, wanted="high")


def _recognised(
    attack: str,
    learnt: NetworkAttacker,
    blind: NetworkAttacker,
    original: Crops,
    published: Sequence[Crops],
    rng: np.random.Generator,
) -> list[Found]:
    labels = original.labels
    allowed = across_cameras(labels, labels)
    filled = publishing.grey(original)

    def ranked(attacker: NetworkAttacker, query: Crops, gallery: Crops) -> Outcome:
        looks = centred(attacker(query.pixels), query.camera)
        others = looks if query is gallery else centred(attacker(gallery.pixels), gallery.camera)
        return retrieve(reranked(looks, others, labels.camera, allowed, rng), labels, labels, allowed, rng)

    control = ranked(learnt, original, original)
    far = place(original)
    return [
        recognition(
            attack,
            f"published → original, {far}",
            [ranked(learnt, crops, original) for crops in published],
            rng,
            floor=ranked(blind, filled, original),
            control=control,
        ),
        recognition(
            attack,
            f"published → published, {far}",
            [ranked(learnt, crops, crops) for crops in published],
            rng,
            floor=ranked(blind, filled, filled),
            control=control,
            wanted="low" if original.across == "cameras" else "high",
        ),
    ]


def _own_keys(rng: np.random.Generator, count: int) -> list[Key]:
    """Keys of the attacker's own: it has the tool, not the publisher's key."""
    return [Key(rng.bytes(KEY_BYTES)) for _ in range(count)]
