"""A token that came before is found among millions, in at most 16 bytes each, and nothing else is called repeated."""

from itertools import pairwise
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biztoken.load import tokens as module
from biztoken.load.tokens import NEW, REPEATED, SUSPECT, Tokens, hash_of, repeated_among

MANY = 200_000


@pytest.fixture
def opened(tmp_path):
    """Makes memories that store in a file of a name."""
    made = []

    def open_tokens(name: str, **options) -> Tokens:
        made.append(Tokens(tmp_path / name, **options))
        return made[-1]

    yield open_tokens
    for tokens in made:
        tokens.close()


def token(number: int) -> str:
    """A token as the vendor makes them."""
    return f"1531397037,c1223c5b-c2f6-4bb7-8cbb-{number:012x}"


def test_repeated_token_is_found(opened):
    """The second time, and every further time, a token is told; the first time it is not."""
    tokens = opened("tokens")

    assert [tokens.add(text) for text in ("a", "b", "a", "b", "a", "c")] == [
        NEW,
        NEW,
        REPEATED,
        REPEATED,
        REPEATED,
        NEW,
    ]
    assert (tokens.seen, tokens.repeated, tokens.unconfirmed) == (6, 3, 0)


def test_many_tokens_take_little_memory(opened):
    """At no size of the tables does a token take more than 16 bytes, once they are more than the least they hold."""
    tokens = opened("tokens")
    most = 0.0
    for number in range(MANY):
        assert tokens.add(token(number)) == NEW
        if number > 70_000 and number % 500 == 0:
            most = max(most, tokens.nbytes / tokens.seen)

    assert most <= 16
    assert tokens.add(token(MANY)) == NEW
    assert [tokens.add(token(number)) for number in range(0, MANY, MANY // 40)] == [REPEATED] * 40


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), max_size=600), st.integers(0, 63))
def test_table_is_a_set(numbers, shift):
    """Whatever hashes come, in whatever order and however crowded, each is known exactly from its first coming on."""
    with patch.object(module, "LEAST", 128):  # so that it grows
        tokens, known = Tokens(), set()
    for number in numbers:
        spread = (number << shift | number >> 3) % 2**64 or 1
        assert tokens._insert([spread]) == ([0] if spread in known else [])
        known.add(spread)


def test_hashes_that_share_a_home_are_told_apart():
    """Any number of hashes may want the same slot, the last one of a table included."""
    with patch.object(module, "LEAST", 128):  # so that it grows
        tokens = Tokens()
    crowded = [0xFFFFFFFF_00000000 + 256 * number for number in range(1, 1_000)]

    assert tokens._insert(crowded) == []
    assert tokens._insert(crowded) == list(range(len(crowded)))


def test_equal_hashes_alone_are_no_repetition(opened, monkeypatch):
    """Two tokens with one hash are two tokens; the second is remembered as well."""
    monkeypatch.setattr(module, "hashes_of", lambda datas: [7 for _ in datas])
    tokens = opened("tokens")

    assert [tokens.add(text) for text in ("a", "b", "b", "c", "a")] == [NEW, NEW, REPEATED, NEW, REPEATED]
    assert (tokens.repeated, tokens.unconfirmed) == (2, 0)


@pytest.mark.parametrize("all_equal", [False, True])
def test_several_at_once_are_as_one_by_one(opened, monkeypatch, all_equal):
    """What came before is told by its place, also where it came in the same portion; hashes may all be equal."""
    if all_equal:
        monkeypatch.setattr(module, "hashes_of", lambda datas: [7 for _ in datas])
    tokens = opened("tokens", reports=True)
    told = [tokens.add_all(several) for several in (["a", "b", "a"], [], ["c", "b", "c", "d"])]

    assert told == [{2: REPEATED}, {}, {1: REPEATED, 2: REPEATED}]
    assert (tokens.seen, tokens.new, tokens.repeated) == (7, 4, 3)
    assert len(tokens.taken()) == (8 if all_equal else 32)


ODD = ["two\nlines", "two", "lines", "back\\slash", "back\\nslash", "\n", "\\n", "\\", "\\\\n", "汉字", "\ud800", " "]


def test_any_text_is_a_token(opened):
    """No text, whatever is in it, is taken for another one or a part of one."""
    tokens = opened("tokens")

    assert [tokens.add(text) for text in ODD] == [NEW] * len(ODD)
    assert [tokens.add(text) for text in ODD] == [REPEATED] * len(ODD)
    numbers = [hash_of(text.encode("utf-8", "surrogatepass")) for text in ODD]
    assert list(tokens.with_hashes(numbers).values()) == [[text] for text in ODD]


def test_prefix_of_a_token_is_no_repetition(opened, monkeypatch):
    """With equal hashes, too, a stored token counts only whole."""
    monkeypatch.setattr(module, "hashes_of", lambda datas: [7 for _ in datas])
    tokens = opened("tokens")

    assert [tokens.add(text) for text in ("abc", "ab", "bc", "b", "abcd")] == [NEW] * 5


def test_file_is_bounded(opened, tmp_path):
    """Beyond its bound the file grows no more; a suspect that it cannot confirm is counted, and not called repeated."""
    tokens = opened("tokens", most=100)
    for number in range(10):
        tokens.add(token(number))
    again = [tokens.add(token(number)) for number in range(10)]
    tokens.close()

    assert (tmp_path / "tokens").stat().st_size <= 100
    assert again == [REPEATED] * 2 + [SUSPECT] * 8
    assert (tokens.repeated, tokens.unconfirmed) == (2, 8)


def test_token_that_is_always_the_same_is_searched_once(opened, monkeypatch):
    """A target that repeats itself all the time does not make the generator search all the time; each counts."""
    tokens = opened("tokens")
    searched = []
    is_stored = tokens._is_stored
    monkeypatch.setattr(tokens, "_is_stored", lambda data: searched.append(data) or is_stored(data))
    told = [tokens.add("always the same") for _ in range(500)]

    assert told == [NEW] + [REPEATED] * 499
    assert (tokens.repeated, tokens.unconfirmed, len(searched)) == (499, 0, 1)


def test_searches_are_bounded(opened, monkeypatch):
    """Once so many bytes were searched, further suspects are told as what they are."""
    monkeypatch.setattr(module, "SEARCHED", 1_000)
    tokens = opened("tokens")
    for number in range(100):
        tokens.add(token(number))
    told = [tokens.add(token(number)) for number in range(100)]

    assert told.count(REPEATED) == tokens.repeated < 50
    assert told.count(SUSPECT) == tokens.unconfirmed == 100 - tokens.repeated


def test_tokens_of_workers_are_merged(opened):
    """A token that two workers were told is found where their hashes meet, and confirmed from what they stored."""
    workers = [opened(f"tokens-{number}", reports=True) for number in range(3)]
    merged = Tokens()
    suspects = []
    for start in range(0, 3000, 1000):  # as it goes on, each worker tells what is new
        for number, worker in enumerate(workers):
            for each in range(start, start + 1000):
                worker.add(token(number * 10_000 + each))
        workers[2].add(token(start + 5))  # the first worker was told it, too
        for worker in workers:
            suspects += merged.merge(worker.taken())

    assert sorted(suspects) == sorted(hash_of(token(start + 5).encode()) for start in range(0, 3000, 1000))
    assert repeated_among(worker.with_hashes(suspects) for worker in workers) == [
        token(start + 5) for start in range(0, 3000, 1000)
    ]
    assert merged.seen == 9003
    assert [worker.taken() for worker in workers] == [b""] * 3


def test_equal_hashes_of_workers_are_not_enough():
    """Different tokens with one hash, or one worker with the same token twice, are no repetition."""
    assert repeated_among([{7: ["a"]}, {7: ["b"]}, {}]) == []
    assert repeated_among([{7: ["a", "a"]}, {7: ["b"]}]) == []
    assert repeated_among([{7: ["b", "a"]}, {7: ["b"]}, {7: ["a"]}]) == ["a", "b"]


def test_hash_is_the_same_everywhere():
    """Hashes can be compared between machines and runs of Python; 0, which marks a free slot, is none."""
    assert hash_of(b"1531397038,f0b9eea0") == 0x53958EFCA1560FA6
    with patch.object(module, "xxh3_64_intdigest", lambda _data: 0):
        assert module.hashes_of([b"a", b"b"]) == [1, 1]
    numbers = [hash_of(str(number).encode()) for number in range(1000)]
    assert len(set(numbers)) == 1000
    assert all(0 < number < 2**64 for number in numbers)


def test_growing_keeps_every_token():
    """After any number of growths each hash is where it is looked for."""
    rng, tokens = Random(1), Tokens()
    numbers = sorted({rng.getrandbits(64) or 1 for _ in range(150_000)}, key=lambda number: number % 999)
    sizes = []
    for count, number in enumerate(numbers, 1):
        tokens._insert([number])
        sizes.append(sum(tokens._sizes))
        assert count <= module.FULL * sizes[-1]

    assert tokens._insert(numbers) == list(range(len(numbers)))
    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) < sizes[-1] / module.PARTS  # one table at a time, and not twice its size


def test_memory_of_unread_reports_is_counted(opened):
    """Hashes that wait to be told take memory, too."""
    tokens = opened("tokens", reports=True)
    before = tokens.nbytes
    tokens.add("a")

    assert tokens.nbytes == before + 8


@pytest.mark.parametrize("reports", [False, True])
def test_nothing_is_told_twice(opened, reports):
    """A repeated token is in no report: it would be its own double elsewhere."""
    tokens = opened("tokens", reports=reports)
    for text in "aab":
        tokens.add(text)

    assert len(tokens.taken()) == (16 if reports else 0)
