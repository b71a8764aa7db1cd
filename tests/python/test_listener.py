"""The queue of one reader of events: bounded, honest about what it lost, no event twice."""

from temporal_devserver import Event
from temporal_devserver._events import CAPACITY, Listener


def event(seq: int, server: str = "a") -> Event:
    return Event(kind="exited", seq=seq, time=0.0, server=server)


def drain(listener: Listener) -> list[Event]:
    events = []
    while (each := listener.pop()) is not None:
        events.append(each)
    return events


def test_slow_reader_gets_one_marker_and_the_newest_events() -> None:
    listener = Listener()
    for seq in range(CAPACITY + 7):
        listener.push(event(seq))
    first, *rest = drain(listener)
    assert (first.kind, first.data) == ("lost", {"count": 7})
    assert [each.seq for each in rest] == list(range(7, CAPACITY + 7))


def test_replayed_events_come_first_and_once() -> None:
    listener = Listener()
    for seq in (2, 3):
        listener.push(event(seq))
    listener.replay([event(1), event(2), event(3, "b")])
    assert [(each.server, each.seq) for each in drain(listener)] == [
        ("a", 1),
        ("a", 2),
        ("b", 3),
        ("a", 3),
    ]


def test_marker_stands_between_replay_and_what_is_left() -> None:
    listener = Listener()
    for seq in range(1, CAPACITY + 2):
        listener.push(event(seq))
    listener.replay([event(0)])
    assert [each.kind for each in drain(listener)[:3]] == ["exited", "lost", "exited"]


def test_reader_is_told_of_an_event_or_of_the_end() -> None:
    listener = Listener()
    assert not listener
    listener.push(event(1))
    assert listener
    drain(listener)
    assert not listener
    listener.ended = True
    assert listener
    assert listener.pop() is None
