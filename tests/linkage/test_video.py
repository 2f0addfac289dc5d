"""The gateway's parts without a process: fragments, stills, playlists, addresses, packets."""

import struct

import pytest

from linkage.simulators.streams import rtp, scene
from linkage.simulators.streams.encoder import _commands
from linkage.video.addresses import NoStream, pinned, without_address
from linkage.video.fragments import Init, NotFragments, Segment, Splitter
from linkage.video.playlist import KEPT, LISTED, Playlist
from linkage.video.stills import NotStills, Stillness, StillSplitter


def box(kind, content=b""):
    return struct.pack("!I4s", 8 + len(content), kind) + content


def moov(timescale=1000):
    header = bytes(12) + struct.pack("!II", timescale, 0) + bytes(4)
    return box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", box(b"tkhd") + box(b"mdia", box(b"mdhd", header))))


def moof(*durations):
    run = struct.pack("!III", 0x000101, len(durations), 0) + b"".join(struct.pack("!I", one) for one in durations)
    return box(b"moof", box(b"mfhd") + box(b"traf", box(b"tfhd", bytes(8)) + box(b"trun", run)))


class TestFragments:
    def test_they_come_whole_whatever_the_pieces(self):
        whole = box(b"ftyp", b"isom") + moov() + moof(500, 500) + box(b"mdat", b"x" * 99) + moof(250) + box(b"mdat", b"y")
        for size in (1, 7, 64, len(whole)):
            splitter = Splitter()
            parts = [part for at in range(0, len(whole), size) for part in splitter.feed(whole[at : at + size])]
            assert [type(one) for one in parts] == [Init, Segment, Segment]
            assert b"".join(one.data for one in parts) == whole
            assert [one.seconds for one in parts[1:]] == [1.0, 0.25]

    def test_durations_that_are_the_same_stand_in_the_header(self):
        header = box(b"tfhd", struct.pack("!III", 0x000008, 1, 40))
        run = box(b"trun", struct.pack("!II", 0, 25))
        found = list(Splitter().feed(moov() + box(b"moof", box(b"traf", header + run)) + box(b"mdat")))
        assert found[1].seconds == 1.0

    @pytest.mark.parametrize("data", [
        b"\x00\x00\x00\x10junk", b"HTTP/1.1", struct.pack("!I4s", 2**31, b"mdat"), struct.pack("!I4s", 1, b"moof"),
        box(b"moov"), moov(0), moov() + box(b"moof") + box(b"mdat"),
        moov() + box(b"moof", box(b"traf", box(b"trun", struct.pack("!III", 0x101, 9, 0)))) + box(b"mdat"),
    ])  # fmt: skip
    def test_what_is_none_is_refused(self, data):
        with pytest.raises(NotFragments):
            list(Splitter().feed(data))


def still(jpeg):
    return b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)


class TestStills:
    def test_they_come_whole_whatever_the_pieces(self):
        jpegs = [b"\xff\xd8one\r\n\r\n\xff\xd9", b"\xff\xd8two\xff\xd9"]
        whole = b"".join(map(still, jpegs))
        for size in (1, 10, len(whole)):
            splitter = StillSplitter()
            assert [one for at in range(0, len(whole), size) for one in splitter.feed(whole[at : at + size])] == jpegs

    @pytest.mark.parametrize("data", [b"--x\r\n\r\n", b"Content-length: x\r\n\r\n", b"Content-length: 99999999\r\n\r\n"])
    def test_what_is_none_is_refused(self, data):
        with pytest.raises(NotStills):
            list(StillSplitter().feed(data))

    def test_frozen_needs_three_pictures_and_six_seconds_and_ends_with_the_first_other_one(self):
        seen = Stillness()
        assert [seen.see(b"a", now) for now in (0, 1, 5.9, 6.0, 7.0)] == [False, False, False, True, True]
        assert seen.see(b"b", 8) is False
        slow = Stillness()
        assert [slow.see(b"a", now) for now in (0, 7, 14)] == [False, False, True]


class TestPlaylist:
    def test_numbers_only_grow_and_a_new_ffmpeg_is_a_break(self):
        playlist = Playlist()
        assert playlist.text() is None
        playlist.begin(b"init one")
        for at in range(3):
            playlist.add(Segment(b"%d" % at, 1.2))
        playlist.begin(b"never a picture")
        playlist.begin(b"init two")
        playlist.add(Segment(b"after", 1.0))
        lines = playlist.text().splitlines()
        assert lines[:5] == ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-DISCONTINUITY-SEQUENCE:1"]  # fmt: skip
        assert lines.count("#EXT-X-DISCONTINUITY") == 1 and lines[-1] == "4.m4s"
        assert (playlist.file("init-1.mp4"), playlist.file("init-2.mp4")) == (b"init one", b"init two")
        assert playlist.file("4.m4s") == b"after" and playlist.file("5.m4s") is None

    def test_what_was_listed_can_be_had_for_its_own_and_the_longest_lists_length_more(self):
        """RFC 8216, 6.2.2, in segments of one second: the clock is the number of the newest."""
        playlist, due = Playlist(), {}
        playlist.begin(b"init")
        for now in range(1, 40):
            playlist.add(Segment(b"%d" % now, 1.0))
            listed = [line for line in playlist.text().splitlines() if line.endswith(".m4s")]
            due |= dict.fromkeys(listed, now + 1 + 1 + LISTED)  # at most a second until it is listed no longer
            missing = [name for name, until in due.items() if now < until and playlist.file(name) is None]
            assert (len(listed), missing) == (min(now, LISTED), [])

    def test_old_ones_go_and_what_is_asked_oddly_is_not_there(self):
        playlist = Playlist()
        playlist.begin(b"init")
        for at in range(KEPT + 5):
            playlist.add(Segment(b"%d" % at, 1.0))
        assert playlist.file("5.m4s") is None and playlist.file("6.m4s") == b"5"
        for odd in ("", "init-.mp4", "init-99999999999.mp4", "init-x.mp4", "../1.m4s", "1.m4s.m4s", "snapshot.jpg"):
            assert playlist.file(odd) is None


class TestAddresses:
    @pytest.mark.parametrize("stream, found", [
        ("rtsp://view:p%40ss@127.0.0.1:8554/a?x=1", "rtsp://view:p%40ss@127.0.0.1:8554/a?x=1"),
        ("rtsp://localhost/a", "rtsp://127.0.0.1:554/a"), ("rtsps://[::1]/a", "rtsps://[::1]:322/a"),
    ])  # fmt: skip
    async def test_the_host_becomes_the_address_that_was_checked(self, stream, found):
        assert await pinned(stream, "127.0.0.0/8,::1/128") == found

    @pytest.mark.parametrize("stream", [
        "rtsp://10.0.0.1/a", "rtsp://localhost/a", "http://127.0.0.1/a", "file:///etc/passwd", "rtsp://", "rtsp://h:99999/a",
        "rtsp://127.0.0.1/a'\noption x y", "rtsp://127.0.0.1/a'b", "rtsp://127.0.0.1/a\\b",
    ])  # fmt: skip
    async def test_everything_else_is_refused_without_naming_it(self, stream):
        with pytest.raises(NoStream) as refused:
            await pinned(stream, "192.168.0.0/16")
        assert "127.0.0.1" not in str(refused.value)

    def test_ffmpegs_words_lose_their_addresses(self):
        said = "Impossible to open 'rtsp://u:p@10.0.0.1:554/a' (tcp://10.0.0.1:554?timeout=5)"
        assert without_address(said) == "Impossible to open 'the camera' (the camera"


class TestPackets:
    def test_a_large_picture_is_cut_and_comes_together_again(self):
        nal = bytes((0x65,)) + bytes(range(256)) * 20
        packets = list(rtp.Packer(ssrc=1).packets(rtp.Picture((b"\x67ab", nal)), 90_000))
        assert [bool(one[1] & 0x80) for one in packets] == [False] * (len(packets) - 1) + [True]
        assert packets[0][12:] == b"\x67ab" and all(len(one) <= rtp.PACKET_BYTES + 12 for one in packets)
        parts = [one[12:] for one in packets[1:]]
        rebuilt = bytes(((parts[0][0] & 0xE0) | (parts[0][1] & 0x1F),)) + b"".join(one[2:] for one in parts)
        assert rebuilt == nal and parts[0][1] & 0x80 and parts[-1][1] & 0x40

    def test_pictures_are_cut_at_their_delimiters_whatever_the_pieces(self):
        unit = rtp.DELIMITER + b"\xf0" + rtp.START + b"\x67\x01" + b"\x00\x00\x01" + b"\x65\x02"
        for size in (1, 5, 100):
            cutter, stream = rtp.Cutter(), unit * 3
            found = [one for at in range(0, len(stream), size) for one in cutter.feed(stream[at : at + size])]
            assert [one.nals for one in found] == [(b"\x67\x01", b"\x65\x02")] * 2 and found[0].is_key

    def test_what_is_seen_always_lies_inside_the_panorama(self):
        for pan, tilt, zoom in ((0, 0, 0), (-999, 999, 0), (999, -999, 45), (60, 20, 999)):
            x, y, w, h = scene.window(pan, tilt, zoom)
            assert 0 <= x <= x + w <= scene.PANORAMA[0] and 0 <= y <= y + h <= scene.PANORAMA[1]

    def test_a_name_cannot_break_the_drawing(self):
        said = scene.graph("bad',drawbox=0:0:9:9;[x]\\%{localtime}", 1)
        assert "drawbox=0:0:9:9" not in said.split("drawtext", 1)[1] and "localtime}" not in said.split("expansion=none")[1][:120]

    def test_it_narrows_before_it_moves_and_moves_before_it_widens(self):
        narrow, wide = (400, 100, 320, 180), (0, 0, 640, 360)
        assert _commands(wide, narrow).split(b"\n")[0] == b"ccrop -1 w 320"
        assert _commands(narrow, wide).split(b"\n")[0] == b"ccrop -1 x 0"
