"""Pages that run nothing and load nothing."""

import base64

from mmqcs.visualization.html import EmbeddedImage, render_page

TEMPLATE = """{% from 'page.html.jinja' import image, page, table %}
{% call page(title) %}
{{ image(figure, 'none') }}{{ image(none, 'no figure') }}
{{ table(rows, ['Name', 'Count'], total=true) }}
{% endcall %}
"""


def test_page(tmp_path):
    path = tmp_path / 'a.jinja'
    path.write_text(TEMPLATE)
    figure = EmbeddedImage.embed(b'content', 'png', 'A "figure"')
    rows = [('<b>', 1200), ('All', 0.125)]
    page = render_page(path, title='<i>', figure=figure, rows=rows)
    assert page.lstrip().startswith('<!DOCTYPE html>')
    assert page.rstrip().endswith('</html>')
    assert page.count('&lt;i&gt;') == 2  # title and heading
    assert '<i>' not in page and '<b>' not in page
    content = base64.b64encode(b'content').decode()
    assert f'alt="A &#34;figure&#34;" src="data:image/png;base64,{content}"' in page
    assert 'no figure' in page
    assert '<td class="number">1,200</td>' in page
    assert '<tr class="total"><th>All</th><td class="number">0.12</td>' in page
    assert "default-src 'none'" in page
