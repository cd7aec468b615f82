"""The pyramid and the encoder."""

import pytest
import torch
import torch.nn.functional as F

from mmqcs.models import TokenEncoder, TokenPyramidNeck


def test_levels_of_ir50():
    neck = TokenPyramidNeck((64, 128, 256), (2, 4, 8), embed_dims=768)
    shapes = [[tuple(conv.weight.shape) for conv in level] for level in neck.levels]
    assert shapes == [
        [(64, 64, 3, 3), (768, 64, 3, 3), (768, 768, 3, 3)],
        [(128, 128, 3, 3), (768, 128, 3, 3)],
        [(256, 256, 3, 3), (768, 256, 1, 1)],
    ]


def test_tokens_are_read_row_by_row_finest_level_first():
    neck = TokenPyramidNeck((2, 4), (4, 8), grid_stride=8, embed_dims=6)
    maps = torch.rand(3, 2, 8, 8), torch.rand(3, 4, 4, 4)
    (tokens,) = neck(maps)
    assert tokens.shape == (3, 2 * 16, 6)
    first = neck.levels[0](maps[0])
    second = neck.levels[1](maps[1])
    torch.testing.assert_close(tokens[:, 4 * 1 + 2], first[:, :, 1, 2])
    torch.testing.assert_close(tokens[:, 16 + 4 * 3 + 0], second[:, :, 3, 0])


@pytest.mark.parametrize('size', [32, 33, 40])
def test_any_backbone_any_size_one_grid(size):
    """Stages of strides 4 to 32, sides rounded up as strided convs do."""
    strides = (4, 8, 16, 32)
    neck = TokenPyramidNeck((3, 4, 5, 6), strides, grid_stride=32, embed_dims=8)
    maps = [
        torch.rand(1, c, -(-size // s), -(-size // s))
        for c, s in zip((3, 4, 5, 6), strides, strict=True)
    ]
    grid = -(-size // 32)
    assert neck(maps)[0].shape == (1, 4 * grid**2, 8)


def test_encoder_by_hand():
    encoder = TokenEncoder(5, embed_dims=8, depth=2, num_heads=2).eval()
    encoder.init_weights()
    for p in encoder.parameters():
        torch.nn.init.normal_(p, std=0.3)
    tokens = torch.rand(3, 5, 8)
    x = torch.cat((encoder.cls_token.expand(3, 1, 8), tokens), 1) + encoder.pos_embed
    for block in encoder.blocks:
        normed = F.layer_norm(x, (8,), block.norm1.weight, block.norm1.bias, 1e-6)
        q, k, v = block.attn.qkv(normed).chunk(3, dim=-1)
        heads = []
        for h in (slice(0, 4), slice(4, 8)):
            weight = torch.softmax(q[..., h] @ k[..., h].mT * 4**-0.5, dim=-1)
            heads.append(weight @ v[..., h])
        x = x + block.attn.proj(torch.cat(heads, -1))
        normed = F.layer_norm(x, (8,), block.norm2.weight, block.norm2.bias, 1e-6)
        fc1, fc2 = block.ffn.layers[0][0], block.ffn.layers[1]
        assert fc1.out_features == 32
        x = x + fc2(F.gelu(fc1(normed)))
    expected = F.layer_norm(x, (8,), encoder.norm.weight, encoder.norm.bias, 1e-6)
    torch.testing.assert_close(encoder(tokens), expected)
    encoder.out_type = 'cls_token'
    torch.testing.assert_close(encoder(tokens), expected[:, 0])


def test_the_class_token_alone_has_the_same_gradients():
    encoder = TokenEncoder(5, embed_dims=8, depth=2, num_heads=2).double()
    encoder.init_weights()
    tokens = torch.rand(3, 5, 8, dtype=torch.double)
    coefficients = torch.randn(3, 8, dtype=torch.double)
    gradients = []
    for encoder.out_type, feature in (
        ('raw', lambda x: x[:, 0]),
        ('cls_token', lambda x: x),
    ):
        encoder.zero_grad()
        (feature(encoder(tokens)) * coefficients).sum().backward()
        gradients.append({n: p.grad.clone() for n, p in encoder.named_parameters()})
    torch.testing.assert_close(*gradients)


def test_encoder_initialisation():
    encoder = TokenEncoder(100, embed_dims=64, num_heads=8)
    encoder.init_weights()
    assert encoder.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert encoder.cls_token.abs().max() > 0
    qkv = encoder.blocks[0].attn.qkv
    assert qkv.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not qkv.bias.any()


def test_dropout_is_in_the_mlp_and_after_the_positions_only():
    encoder = TokenEncoder(4, embed_dims=8, depth=1, num_heads=2, drop_rate=0.3)
    dropped = {
        n
        for n, m in encoder.named_modules()
        if isinstance(m, torch.nn.Dropout) and m.p > 0
    }
    assert dropped == {'drop', 'blocks.0.ffn.layers.0.2', 'blocks.0.ffn.layers.2'}
    assert encoder.blocks[0].attn.attn_drop == 0


def test_gradient_reaches_every_parameter():
    neck = TokenPyramidNeck(
        (2, 4),
        (2, 4),
        embed_dims=8,
        encoder=dict(type='mmqcs.TokenEncoder', num_tokens=8, num_heads=2),
    )
    neck.init_weights()
    neck((torch.rand(2, 2, 8, 8), torch.rand(2, 4, 4, 4)))[0].square().sum().backward()
    assert all(p.grad is not None for p in neck.parameters())


def test_errors():
    with pytest.raises(ValueError, match='Only QCSClassifier infers them'):
        TokenPyramidNeck()
    with pytest.raises(ValueError, match='power of two'):
        TokenPyramidNeck((2, 4), (2, 6))
    with pytest.raises(ValueError, match="'raw' or 'cls_token', got 'cls'"):
        TokenEncoder(4, embed_dims=8, out_type='cls')
    with pytest.raises(ValueError, match='must divide embed_dims'):
        TokenEncoder(4, embed_dims=10, num_heads=4)
    neck = TokenPyramidNeck((2, 4), (2, 4), embed_dims=8)
    with pytest.raises(ValueError, match='2 levels and got 1'):
        neck((torch.rand(1, 2, 8, 8),))
    with pytest.raises(ValueError, match=r'different grids \[\(1, 1\), \(2, 2\)\]'):
        neck((torch.rand(1, 2, 4, 4), torch.rand(1, 4, 4, 4)))
    with pytest.raises(ValueError, match=r'built for 4 tokens of 8 .* got \(9, 8\)'):
        TokenEncoder(4, embed_dims=8)(torch.rand(1, 9, 8))
