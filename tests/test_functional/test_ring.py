import pytest

from mmqcs.functional import PAIR, QUADRUPLET, Ring


def test_published_rings():
    assert QUADRUPLET.size == 4
    assert QUADRUPLET.classes() == (0, 0, 1, 1)
    assert PAIR.size == 2
    assert PAIR.classes() == (0, 0)


@pytest.mark.parametrize(
    ('similar', 'dissimilar'),
    [
        (((0, 1),), ()),  # images 2 and 3 have no similar partner
        (((0, 1), (1, 2)), ()),  # image 1 has two
        (((0, 1), (2, 3)), ((0, 2),)),  # images 1 and 3 have no dissimilar one
    ],
)
def test_a_ring_treats_all_images_alike(similar, dissimilar):
    with pytest.raises(ValueError, match='exactly one'):
        Ring(('a', 'b', 'c', 'd'), similar, dissimilar)


def test_violation_names_the_first_broken_group():
    assert QUADRUPLET.violation([[0, 5], [0, 5], [1, 2], [1, 2]]) is None
    problem = QUADRUPLET.violation([[0, 5], [0, 5], [1, 5], [1, 5]])
    assert problem.startswith('group 1: anchor has label 5 and negative has label 5')
    problem = QUADRUPLET.violation([[0], [0], [1], [2]])
    assert 'negative has label 1 and second_negative has label 2' in problem
    assert 'should be the same' in problem
    assert 'should be the same' in PAIR.violation([[3], [4]])
