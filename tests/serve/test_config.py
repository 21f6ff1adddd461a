import pytest

from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.serve.config import ServeConfig, read_keys


@pytest.mark.parametrize(
    "settings",
    [
        {"port": -1},
        {"port": 65_536},
        {"workers": 0},
        {"max_hits": 0},
        {"timeout": 0.0},
        {"batch_wait": -0.1},
        {"host": ""},
        {"api_keys": ("with a space in it",)},
        {"api_keys": ("ü" * 20,)},
        {"api_keys": ("",)},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(OptionError):
        ServeConfig(**settings)


def test_a_bad_key_is_not_repeated_whole():
    with pytest.raises(OptionError) as caught:
        ServeConfig(api_keys=("secret and more",))
    assert "secret and more" not in str(caught.value)


def test_names_are_compared_without_case():
    config = ServeConfig(host="0.0.0.0", allow_hosts=("Lab.Example.org",))
    assert config.hosts == {"lab.example.org"}


@pytest.mark.parametrize("content", [b"", b"# remark\n \n", b"\xff\xfe\x00"])
def test_a_file_without_keys_is_refused(tmp_path, content):
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(FileFormatError):
        read_keys(tmp_path / "keys")
