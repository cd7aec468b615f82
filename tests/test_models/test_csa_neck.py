"""Cross similarity attention against the equations, image by image."""

import pytest
import torch
import torch.nn.functional as F

from mmqcs.functional import QUADRUPLET, token_weights
from mmqcs.models import CSANeck


def make(**kwargs):
    neck = CSANeck(**dict(embed_dims=8, num_levels=2) | kwargs)
    for p in neck.parameters():
        torch.nn.init.normal_(p, std=0.3)
    return neck


def by_hand(neck, tokens, residual):
    """Steps 1 to 5 for each level and image, weights taken from the pure function."""
    groups = tokens.unflatten(0, (4, -1))
    levels = []
    for level, x in zip(neck.levels, groups.chunk(2, dim=2), strict=True):

        def norm1(t, level=level):
            return F.layer_norm(t, (8,), level.norm1.weight, level.norm1.bias, 1e-5)

        def norm2(t, level=level):
            return F.layer_norm(t, (8,), level.norm2.weight, level.norm2.bias, 1e-5)

        def mlp(t, level=level):
            return level.ffn.layers[1](F.gelu(level.ffn.layers[0][0](t)))

        projected, value = level.proj(norm1(x)).split(8, dim=-1)
        weights = token_weights(projected, QUADRUPLET, 'SD', level.theta.tanh())
        images = []
        for i in range(4):
            attended = weights[i][..., None] * value[i]
            if residual == 'normed':
                y = norm2(norm1(x[i]) + attended)
                images.append(y + mlp(y))
            else:
                y = x[i] + attended
                images.append(y + mlp(norm2(y)))
        levels.append(torch.cat(images))
    return torch.cat(levels, dim=1)


@pytest.mark.parametrize('residual', ['normed', 'input'])
def test_refinement_by_hand(residual):
    neck = make(residual=residual)
    tokens = torch.randn(4 * 3, 2 * 5, 8)
    torch.testing.assert_close(neck.refine(tokens), by_hand(neck, tokens, residual))


def test_sdpa_takes_the_partner_values():
    neck = make(mode='SDPA', num_levels=1)
    tokens = torch.randn(4 * 2, 5, 8)
    level = neck.levels[0]
    x = tokens.unflatten(0, (4, 2))
    projected, value = level.proj(level.norm1(x)).chunk(2, dim=-1)
    for image, partner in ((0, 1), (1, 0), (2, 3), (3, 2)):
        logits = projected[image] @ projected[partner].mT / 8**0.5
        attended = torch.softmax(logits, -1) @ value[partner]
        y = level.norm2(level.norm1(x[image]) + attended)
        expected = level.ffn(y)
        actual = neck.refine(tokens).unflatten(0, (4, 2))[image]
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize('group', ['quadruplet', 'pair'])
def test_default_mode_and_gradient_flow(group):
    neck = make(group=group)
    assert neck.levels.mode == ('SD' if group == 'quadruplet' else 'S')
    tokens = torch.randn(neck.ring.size * 2, 10, 8, requires_grad=True)
    neck.refine(tokens).square().sum().backward()
    assert tokens.grad.abs().amin(dim=(1, 2)).shape == (len(tokens),)
    assert all(p.grad is not None and p.grad.any() for p in neck.parameters())


def test_theta_starts_at_zero_and_gets_a_gradient():
    neck = CSANeck(embed_dims=8, num_levels=1)
    assert neck.levels[0].theta.item() == 0
    neck.refine(torch.randn(4, 5, 8)).square().sum().backward()
    assert neck.levels[0].theta.grad != 0


def test_weights_for_inspection():
    neck = make()
    tokens = torch.randn(4 * 3, 2 * 5, 8)
    weights = neck.weights(tokens)
    levels = tokens.unflatten(0, (4, -1)).chunk(2, dim=2)
    for i, (level, x) in enumerate(zip(neck.levels, levels, strict=True)):
        projected = level.proj(level.norm1(x))[..., :8]
        expected = token_weights(projected, QUADRUPLET, 'SD', level.theta.tanh())
        torch.testing.assert_close(weights[:, i], expected)
    with pytest.raises(ValueError, match='SDPA'):
        make(mode='SDPA').weights(tokens)


def test_as_a_neck_it_refines_in_training_and_passes_through_at_test():
    neck = make(num_levels=1)
    maps = torch.randn(4 * 2, 8, 3, 3)
    tokens = maps.flatten(2).mT
    other = torch.randn(4 * 2, 5)
    kept, refined = neck.train()((other, maps))
    assert kept is other
    expected = (tokens + neck.refine(tokens)).mT.reshape(8, 8, 3, 3)
    torch.testing.assert_close(refined, expected)
    (refined,) = neck((tokens,))
    torch.testing.assert_close(refined, tokens + neck.refine(tokens))
    (passed,) = neck.eval()((maps[:1],))
    assert torch.equal(passed, maps[:1])


def test_errors():
    with pytest.raises(ValueError, match=r'6 images .* groups of 4. Use mmqcs.Quad'):
        make().refine(torch.randn(6, 10, 8))
    with pytest.raises(ValueError, match=r'3 images .* groups of 2. Use mmqcs.Pair'):
        make(group='pair').refine(torch.randn(3, 10, 8))
    with pytest.raises(ValueError, match='9 tokens are not 2 equal levels'):
        make().refine(torch.randn(4, 9, 8))
    for name in ('group', 'residual', 'distance_range'):
        with pytest.raises(ValueError, match=f"{name} must be .* got 'x'"):
            make(**{name: 'x'})
    with pytest.raises(ValueError, match="use mode 'S'"):
        make(group='pair', mode='SD')
