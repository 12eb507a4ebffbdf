"""What the generator is told, on values made by hand."""

from __future__ import annotations

import pytest
import torch

from mot_anon.gan.losses import (
    adversarial_loss,
    apart_loss,
    critic_loss,
    feature_loss,
    reconstruction_loss,
    siamese_loss,
)


def test_the_critic_is_content_beyond_its_margins() -> None:
    assert critic_loss([torch.tensor([1.0, 5.0])], [torch.tensor([-1.0, -3.0])]) == 0
    assert critic_loss([torch.tensor([0.0])], [torch.tensor([0.0])]) == 2
    # Kinds of scores weigh the same, however many scores they have.
    assert critic_loss([torch.zeros(1), torch.full((9,), 2.0)], [torch.zeros(1), torch.full((9,), -2.0)]) == 1


def test_fakes_shall_score_high() -> None:
    assert adversarial_loss([torch.tensor([3.0, 1.0])]) == -2


@pytest.mark.parametrize(
    ("drawn", "swapped", "loss"),
    [
        ((1.0, 0.0), 1.0, 0.0),  # the wanted one
        ((0.0, 1.0), 1.0, 1 + 0.8),  # the source, who is pushed away beyond the margin
        ((0.0, 1.0), 0.0, 1.0),  # the source, where nobody pushes
        ((-1.0, 0.0), 1.0, 2.0),
    ],
)
def test_siamese_guidance_pulls_to_the_wanted_and_pushes_from_the_source(
    drawn: tuple[float, float], swapped: float, loss: float
) -> None:
    wanted, source = torch.tensor([[5.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    found = siamese_loss(torch.tensor([drawn]), wanted, source, torch.tensor([swapped]), 0.2)
    assert float(found) == pytest.approx(loss, abs=1e-6)


def test_reconstruction_counts_in_the_hole_alone() -> None:
    drawn, real, where = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    where[..., 0] = 1
    assert reconstruction_loss(drawn, real, where) == 1
    drawn[..., 0] = 1
    assert reconstruction_loss(drawn, real, where) == 0


def test_feature_loss_is_summed_over_layers() -> None:
    assert feature_loss([torch.zeros(2), torch.zeros(3)], [torch.ones(2), torch.full((3,), 2.0)]) == 3


def test_two_codes_in_one_place_must_not_look_alike_nor_like_who_was_there() -> None:
    """Nothing is asked of three strangers; two who are alike count, and whoever of them is who was there."""
    a, b, c = torch.eye(3)[:, None]
    assert apart_loss([a, b], c, 0.1) == 0
    assert apart_loss([a, a], c, 0.1) == pytest.approx(0.9 / 3)
    assert apart_loss([a, b], a, 0.1) == pytest.approx(0.9 / 3)
    assert apart_loss([a, a], a, 0.1) == pytest.approx(0.9)
    assert apart_loss([a, -a], c, 0.1) == 0
