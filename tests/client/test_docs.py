from tests.client.cli_docs import PAGE, page


def test_the_page_shows_every_command_as_it_is():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.client.cli_docs"


def test_the_page_tells_defaults_and_choices():
    told = page()
    assert "`--out`: File to write: .pdf or .png. Default: marker.pdf." in told
    assert "One of: official, grouped, scenes. Default: official." in told
