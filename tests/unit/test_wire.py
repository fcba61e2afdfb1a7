"""Frames: what one side writes, the other reads; what is no frame ends in one error."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit import wire
from deploy_kit.wire import Frame, WireError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
frames = st.builds(
    Frame,
    st.text(min_size=1, max_size=20),
    st.dictionaries(st.text().filter(lambda name: name != "kind"), values, max_size=4),
    st.binary(max_size=300),
)


def drip(data: bytes, size: int):
    """A receive function that never gives more than ``size`` bytes at once."""
    stream = io.BytesIO(data)
    return lambda wanted: stream.read(min(wanted, size))


@given(st.lists(frames, max_size=4), st.integers(1, 17))
def test_frames_come_out_as_they_went_in_however_the_bytes_arrive(sent: list[Frame], size: int) -> None:
    receive = drip(b"".join(map(wire.encode, sent)), size)

    assert [wire.read(receive) for _ in sent] == sent
    assert wire.read(receive) is None


@given(frames, st.data())
def test_a_stream_that_ends_inside_a_frame_is_an_error(frame: Frame, data: st.DataObject) -> None:
    whole = wire.encode(frame)
    cut = data.draw(st.integers(1, len(whole) - 1))

    with pytest.raises(WireError):
        wire.read(io.BytesIO(whole[:cut]).read)


@given(st.binary(max_size=200))
def test_noise_is_an_error_or_the_end_and_never_anything_else(noise: bytes) -> None:
    try:
        frame = wire.read(io.BytesIO(noise).read)
    except WireError:
        return
    assert frame is None or isinstance(frame, Frame)


@pytest.mark.parametrize(
    ("header", "payload"), [(wire.HEADER_CAP + 1, 0), (2, wire.PAYLOAD_CAP + 1), (0xFFFFFFFF, 0xFFFFFFFF)]
)
def test_announced_lengths_over_the_caps_are_refused_before_anything_is_read(header: int, payload: int) -> None:
    stream = io.BytesIO(struct.pack(">II", header, payload) + b"{}")

    with pytest.raises(WireError, match="announced"):
        wire.read(stream.read)
    assert stream.tell() == wire.PREFIX_SIZE


def test_a_frame_over_the_caps_is_not_written() -> None:
    with pytest.raises(WireError, match="too large"):
        wire.encode(Frame("audio", payload=b"\0" * (wire.PAYLOAD_CAP + 1)))
    with pytest.raises(WireError, match="too large"):
        wire.encode(Frame("speak", {"text": "x" * wire.HEADER_CAP}))


@pytest.mark.parametrize("header", [b"[]", b"3", b"{}", b'{"kind": 3}', b"{", b"\xff", b"[" * 200_000])
def test_a_header_that_is_no_object_with_a_kind_is_refused(header: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode(header, b"")


def test_the_largest_payload_passes() -> None:
    frame = Frame("audio", {"id": 1}, b"\1" * wire.PAYLOAD_CAP)

    assert wire.read(io.BytesIO(wire.encode(frame)).read) == frame
