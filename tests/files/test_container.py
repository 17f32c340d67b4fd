# SPDX-License-Identifier: BSD-3-Clause
"""Nested values come back from a file as they were; other files are refused with a reason."""

import io
import json
import pickle

import numpy as np
import pytest

from thalweg._files.container import BadFileError, Saved, read, write

VALUE = {
    "arrays": {"a": np.arange(6.0).reshape(2, 3), "b": np.array(True), "empty": np.zeros((0, 3))},
    "x": {"a": np.array([1, 2], dtype=np.int8), "odd\nname": np.zeros(2), "thalweg": np.ones(1)},
    "numbers": [1, 2.5, np.float64(0.1), float("nan"), float("inf"), -np.inf, True, None, "text"],
    "pair": (1, (2.0, "three")),
}


def same(a, b):
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return repr(float(a)) == repr(b) if isinstance(a, float) else a == b and type(a) is type(b)


def written(value=VALUE, kind="Thing"):
    file = io.BytesIO()
    write(file, Saved(kind, value))
    return file.getvalue()


def with_header(**changes):
    """The file with another header."""
    with np.load(io.BytesIO(written())) as archive:
        members = dict(archive)
    header = json.loads(members.pop("thalweg").tobytes()) | changes
    text = json.dumps(header).encode()
    file = io.BytesIO()
    np.savez(file, **members, thalweg=np.frombuffer(text, dtype=np.uint8))
    return file.getvalue()


def test_values_come_back_as_they_were(tmp_path):
    for file in (tmp_path / "thing.npz", str(tmp_path / "without a suffix")):
        write(file, Saved("Thing", VALUE))
        found = read(file)
        assert found.kind == "Thing"
        assert same(VALUE, found.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thing.npz", "without a suffix"]
    assert same(VALUE, read(io.BytesIO(written())).value)


def test_arrays_have_the_names_that_they_have_in_the_result():
    with np.load(io.BytesIO(written()), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["a"], VALUE["arrays"]["a"])
        np.testing.assert_array_equal(archive["x.a"], VALUE["x"]["a"])


def test_a_file_stays_as_it_was_if_writing_fails(tmp_path):
    file = tmp_path / "thing.npz"
    write(file, Saved("Thing", {"a": 1}))
    with pytest.raises(TypeError, match=r"b cannot be saved: an array of object"):
        write(file, Saved("Thing", {"b": np.array([object()])}))
    with pytest.raises(TypeError, match=r"c\.0 cannot be saved: set"):
        write(file, Saved("Thing", {"c": [set()]}))
    assert read(file).value == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_every_changed_byte_is_noticed():
    """Each is one of the values, which have sums, of the directory, or of no meaning."""
    whole = written()
    rng = np.random.default_rng(0)
    for at in rng.choice(len(whole), 400, replace=False):
        bad = bytearray(whole)
        bad[at] ^= 1 << int(rng.integers(8))
        try:
            found = read(io.BytesIO(bytes(bad)))
        except BadFileError:
            continue
        assert found.kind == "Thing"
        assert same(VALUE, found.value), at


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_is_damaged(share):
    whole = written()
    with pytest.raises(BadFileError, match="damaged"):
        read(io.BytesIO(whole[: int(share * len(whole))]))


def test_files_of_others_are_named_so(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(BadFileError, match=r"other\.npz' was not saved by thalweg: it has no"):
        read(tmp_path / "other.npz")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(BadFileError, match="it holds one array"):
        read(tmp_path / "one.npy")
    np.savez(tmp_path / "header.npz", thalweg=np.ones(3))
    with pytest.raises(BadFileError, match="its header is another's"):
        read(tmp_path / "header.npz")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.npz")


def test_nothing_is_unpickled(tmp_path):
    class Harm:
        def __reduce__(self):
            return (tmp_path / "harm").touch, ()

    (tmp_path / "a.npz").write_bytes(pickle.dumps(VALUE))
    np.savez(tmp_path / "b.npz", thalweg=np.array([Harm()], dtype=object))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(BadFileError, match="damaged"):
            read(tmp_path / name)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "saved by a newer thalweg, in version 2 .* reads up to version 1"),
        ({"version": "1"}, "its version is '1'"),
        ({"format": "zarr"}, "its header is another's"),
        ({"kind": 3}, "its header is not complete"),
        ({"more": 3}, "its header is not complete"),
        ({"value": {"array": "zzz"}}, "the array 'zzz' is missing"),
        ({"value": {"array": "a"}}, "its header knows nothing of b, empty"),
        ({"value": {"list": [1]}}, "an entry of no kind, 'list'"),
        ({"value": {"dict": [[1, 2]]}}, "an entry of no kind, 'dict'"),
        ({"value": {"float": "1.0"}}, "an entry of no kind, 'float'"),
        ({"value": {"a": 1, "b": 2}}, "an entry of no kind"),
        ({"value": float("nan")}, "its header cannot be read"),
    ],
    ids=str,
)
def test_headers_are_checked(changes, said):
    with pytest.raises(BadFileError, match=said):
        read(io.BytesIO(with_header(**changes)))
