"""Pictures of all kinds come out as a viewer shows them; others give an error."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmqcs.media.read_image import MAX_PIXELS, as_bgr, read_image

RNG = np.random.default_rng(0)
RGB = cv2.resize(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8), (32, 24))


def encoded(picture: Image.Image, kind: str = 'PNG', **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_colours_are_bgr(tmp_path):
    content = encoded(Image.fromarray(RGB))
    (tmp_path / 'a b.png').write_bytes(content)
    for source in (content, tmp_path / 'a b.png', str(tmp_path / 'a b.png')):
        image = read_image(source)
        np.testing.assert_array_equal(image[..., ::-1], RGB)
        assert image.flags.c_contiguous


def test_it_is_what_training_reads():
    """OpenCV decodes for the data sets; the test pipeline must see the same."""
    content = encoded(Image.fromarray(RGB), 'JPEG', quality=90)
    ours = read_image(content).astype(int)
    theirs = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(ours - theirs).max() <= 2


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.swapaxes(0, 1),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(RGB),
    }[orientation]
    image = read_image(encoded(Image.fromarray(RGB), exif=exif))
    np.testing.assert_array_equal(image[..., ::-1], turned)


def test_grey_and_16_bits():
    grey = RGB[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(grey))), expected)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(encoded(deep)), expected)
    # three channels of 16 bits, which only OpenCV writes
    content = cv2.imencode('.png', RGB[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    found = read_image(content)[..., ::-1].astype(int)
    assert np.abs(found - RGB).max() <= 1


def test_floats_are_stretched():
    picture = Image.fromarray(
        np.linspace(-1, 3, 32 * 8, dtype=np.float32).reshape(8, 32)
    )
    image = read_image(encoded(picture, 'TIFF'))
    assert (image.min(), image.max()) == (0, 255)


def test_cmyk_and_palette():
    cmyk = encoded(Image.fromarray(RGB).convert('CMYK'), 'JPEG', quality=95)
    assert np.abs(read_image(cmyk)[..., ::-1].astype(int) - RGB).mean() < 6
    few = Image.fromarray(RGB).quantize(16)
    expected = np.asarray(few.convert('RGB'))
    np.testing.assert_array_equal(read_image(encoded(few))[..., ::-1], expected)


def test_transparent_parts_are_white():
    alpha = np.full((24, 32, 1), 255, np.uint8)
    alpha[:5], alpha[5:10] = 0, 128
    image = read_image(encoded(Image.fromarray(np.concatenate((RGB, alpha), 2))))
    image = image[..., ::-1]
    assert (image[:5] == 255).all()
    half = RGB[5:10] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(image[5:10] - half).max() <= 1
    np.testing.assert_array_equal(image[10:], RGB[10:])
    grey = Image.fromarray(np.dstack((RGB[..., 0], alpha[..., 0])))
    assert (read_image(encoded(grey))[:5] == 255).all()
    palette = Image.fromarray(RGB).quantize(16)
    index = palette.getpixel((0, 0))
    content = encoded(palette, transparency=index)
    assert (read_image(content)[0, 0] == 255).all()


def test_an_animation_gives_its_first_frame():
    pictures = [Image.new('RGB', (16, 16), colour) for colour in ('red', 'blue')]
    content = encoded(pictures[0], 'GIF', save_all=True, append_images=pictures[1:])
    assert (read_image(content) == (0, 0, 255)).all()


def test_100_megapixels_are_read():
    picture = Image.new('L', (12_500, 8_000), 7)
    image = read_image(encoded(picture))
    assert image.shape == (8_000, 12_500, 3)
    assert image[-1, -1].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ('size', 'message'),
    [
        ((1, 1), r'too small to show a face: 1 x 1 pixels.* 8 x 8'),
        ((300, 4), r'too small to show a face: 300 x 4 pixels'),
        ((8_900, 20_001), f'too large: 8900 x 20001 pixels.*{MAX_PIXELS:,}'),
        ((20_000, 20_000), f'too large.*{MAX_PIXELS:,}'),
    ],
)
def test_sizes(size, message):
    picture = Image.new('1', size)
    with pytest.raises(ValueError, match=message):
        read_image(encoded(picture))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'x\.jpg is empty \(0 bytes\)'),
        (b'no picture', r'x\.jpg is not an image'),
        (encoded(Image.fromarray(RGB))[:-60], r'x\.jpg is damaged: '),
        (encoded(Image.fromarray(RGB), 'JPEG')[:400], r'x\.jpg is '),
    ],
)
def test_what_is_no_picture(tmp_path, content, message):
    path = tmp_path / 'x.jpg'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_image(path)
    with pytest.raises(ValueError, match='the data is '):
        read_image(content)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.png'):
        read_image(tmp_path / 'none.png')
    with pytest.raises(ValueError, match='is a folder'):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((20, 20, 3)), r'BGR array of uint8 .* got float64 and \(20, 20, 3\)'),
        (np.zeros((20, 20), np.uint8), r'got uint8 and \(20, 20\)'),
        (np.zeros((20, 20, 4), np.uint8), r'got uint8 and \(20, 20, 4\)'),
        (np.zeros((1, 1, 3), np.uint8), r'too small'),
    ],
)
def test_wrong_arrays(image, message):
    with pytest.raises(ValueError, match=message):
        as_bgr(image, 'an array')
