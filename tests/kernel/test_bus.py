"""Publish, subscribe, request: what a component can do with messages and time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import (
    LAST,
    ComponentError,
    DeadlinePassed,
    EndlessExchange,
    MailboxOverflow,
    PeerError,
    Port,
    Subscription,
    UsageError,
    field,
    message,
)
from gridbus.kernel.message import matches
from gridbus.kernel.testing import run_components


@message(topic="note.{room}.{title}", senders=["*.*"], receivers=["*.*"])
class Note:
    """A note."""

    room: str = field("first topic field")
    title: str = field("second topic field")
    number: int = field("anything", default=0)


@message(topic="state.{room}", senders=["*.*"], receivers=["*.*"], retain=True)
class State:
    """A state that late subscribers want to know."""

    room: str = field("topic field")
    number: int = field("anything", default=0)


@message(topic="question.{room}", senders=["*.*"], receivers=["*.*"])
class Question:
    """Wants an answer."""

    room: str = field("topic field")


@message(topic="answer.{room}", senders=["*.*"], receivers=["*.*"])
class Answer:
    """Answers."""

    room: str = field("topic field")


# Topics and patterns

token = st.sampled_from(["a", "b", "c"])
patterns = st.lists(st.one_of(token, st.just("*")), min_size=1, max_size=4)


@given(st.lists(token, min_size=1, max_size=4), patterns, st.booleans())
def test_a_pattern_matches_token_by_token(topic: list[str], pattern: list[str], open_end: bool):
    def fits(topic: list[str], pattern: list[str]) -> bool:
        if not pattern:
            return bool(topic) if open_end else not topic
        return bool(topic) and pattern[0] in ("*", topic[0]) and fits(topic[1:], pattern[1:])

    text = ".".join([*pattern, ">"] if open_end else pattern)
    assert matches(text, ".".join(topic)) == fits(topic, pattern)


@given(st.lists(st.tuples(token, token), max_size=8), st.lists(patterns, min_size=1, max_size=3), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_text_pattern_receives_what_it_matches_once(
    topics: list[tuple[str, str]], wanted: list[list[str]], open_end: bool
):
    texts = [".".join(["*", *each, *([">"] if open_end else [])]) for each in wanted]
    received: list[str] = []

    async def speaker(port: Port) -> None:
        for room, title in topics:
            port.publish(Note(room, title))

    async def listener(port: Port) -> None:
        async for note in port.subscribe(*texts):
            received.append(f"note.{note.room}.{note.title}")  # noqa: PERF401 - to be seen while the run goes on

    run_components({"b.speaker": speaker, "a.listener": listener}, stop=1)

    published = [f"note.{room}.{title}" for room, title in topics]
    assert received == [topic for topic in published if any(matches(text, topic) for text in texts)]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"room": "hall"}, [1, 2]),
        ({"title": "x"}, [1, 3]),
        ({"room": "hall", "title": "x"}, [1]),
        ({"room": "attic"}, []),
    ],
)
def test_keywords_choose_topics(chosen: dict[str, str], expected: list[int]):
    received: list[int] = []

    async def speaker(port: Port) -> None:
        for number, (room, title) in enumerate([("hall", "x"), ("hall", "y"), ("shed", "x")], start=1):
            port.publish(Note(room, title, number))

    async def listener(port: Port) -> None:
        async for note in port.subscribe(Note, **chosen):
            received.append(note.number)  # noqa: PERF401 - to be seen while the run goes on

    run_components({"a.speaker": speaker, "b.listener": listener}, stop=1)

    assert received == expected


def test_a_keyword_that_no_topic_has_is_an_error():
    async def main(port: Port) -> None:
        port.subscribe(Note, State, tilte="x")

    with pytest.raises(ComponentError, match=r"no topic here has tilte; there are room, title"):
        run_components({"a.x": main}, stop=1)


def test_a_keyword_applies_to_the_classes_that_have_it():
    received: list[object] = []

    async def speaker(port: Port) -> None:
        port.publish(Note("hall", "x"))
        port.publish(Note("hall", "y"))
        port.publish(State("hall"))

    async def listener(port: Port) -> None:
        async for each in port.subscribe(Note, State, title="y"):
            received.append(each)  # noqa: PERF401 - to be seen while the run goes on

    run_components({"a.speaker": speaker, "b.listener": listener}, stop=1)

    assert received == [Note("hall", "y"), State("hall")]


@pytest.mark.parametrize("room", ["", "a.b", "*", ">", "a b", "ä", 3, None])
def test_a_topic_field_that_is_no_token_is_an_error_that_names_the_sender(room: object):
    async def main(port: Port) -> None:
        port.publish(State(room))  # type: ignore[arg-type]

    with pytest.raises(UsageError, match=r"a\.x published State with room="):
        run_components({"a.x": main}, stop=1)


@pytest.mark.parametrize("what", [Note, "note.*.x", "note.>"])
def test_a_subscription_made_when_a_topic_is_in_use_receives_what_comes_next(what: object):
    received: list[int] = []

    async def speaker(port: Port) -> None:
        for instant in range(5):
            await port.sleep_until(instant)
            port.publish(Note("hall", "x", instant))

    async def late(port: Port) -> None:
        await port.sleep_until(2, LAST)
        received.extend(note.number for note in await port.subscribe(what).collect(until=9))  # type: ignore[call-overload]

    run_components({"a.speaker": speaker, "b.late": late}, stop=10)

    assert received == [3, 4]


# Retained values


def late_subscription(port: Port, *what: object) -> list[State]:
    subscription: Subscription[State] = port.subscribe(*what)  # type: ignore[arg-type]
    return subscription.take_waiting()


def test_a_late_subscriber_gets_the_last_value_of_each_topic_in_order_of_publication():
    missed: list[State] = []

    async def speaker(port: Port) -> None:
        for number, room in enumerate(["hall", "shed", "hall", "attic"]):
            await port.sleep_until(number)
            port.publish(State(room, number))

    async def late(port: Port) -> None:
        await port.sleep_until(9)
        missed.extend(late_subscription(port, State))
        assert late_subscription(port, "state.hall") == [State("hall", 2)]

    run_components({"z.speaker": speaker, "a.late": late}, stop=10)

    assert missed == [State("shed", 1), State("hall", 2), State("attic", 3)]


def test_a_retained_value_comes_once_to_a_subscription_of_overlapping_patterns():
    async def speaker(port: Port) -> None:
        port.publish(State("hall"))

    async def late(port: Port) -> None:
        await port.sleep_until(1)
        assert late_subscription(port, State, "state.>", "*.hall") == [State("hall")]

    run_components({"a.speaker": speaker, "b.late": late}, stop=2)


@pytest.mark.parametrize(("at", "there"), [(4, True), (5, False), (6, False)])
def test_a_retained_value_is_valid_before_its_end(at: int, there: bool):
    async def speaker(port: Port) -> None:
        port.publish(State("hall"), valid_until=5)

    async def late(port: Port) -> None:
        await port.sleep_until(at)
        assert bool(late_subscription(port, State)) is there

    run_components({"a.speaker": speaker, "b.late": late}, stop=10)


def test_what_is_not_retained_is_gone_for_late_subscribers():
    async def speaker(port: Port) -> None:
        port.publish(Note("hall", "x"))

    async def late(port: Port) -> None:
        await port.sleep_until(1)
        assert port.subscribe(Note, "note.>").take_waiting() == []

    run_components({"a.speaker": speaker, "b.late": late}, stop=2)


# Requests


def test_a_request_is_answered_in_the_same_instant_and_conversation():
    conversations: list[str] = []

    async def asker(port: Port) -> None:
        await port.sleep_until(5)
        assert await port.request(Question("hall"), Answer) == Answer("hall")
        assert port.now == 5
        port.publish(Note("hall", "done"))

    async def answerer(port: Port) -> None:
        async for envelope in port.subscribe(Question).envelopes():
            reply = port.publish(Answer(envelope.message.room), reply_to=envelope)
            assert reply.reply_to == envelope.id
            conversations.append(reply.conversation)

    log = run_components({"a.asker": asker, "b.answerer": answerer}, stop=10)

    question, answer, note = log.envelopes
    assert conversations == [question.id] == [question.conversation]
    assert (answer.conversation, note.conversation) == (question.id, note.id)
    assert [e.round for e in log.envelopes] == [0, 1, 2]


def test_a_conversation_goes_on_through_several_replies():
    async def asker(port: Port) -> None:
        answers = port.subscribe(Answer)
        port.publish(Question("hall"))
        envelope = await answers.receive_envelope()
        port.publish(Note("hall", "thanks"), reply_to=envelope)

    async def answerer(port: Port) -> None:
        envelope = await port.subscribe(Question).receive_envelope()
        port.publish(Answer("hall"), reply_to=envelope)

    log = run_components({"a.asker": asker, "b.answerer": answerer}, stop=1)

    assert {e.conversation for e in log.envelopes} == {"a.asker#1"}
    assert [e.reply_to for e in log.envelopes] == [None, "a.asker#1", "b.answerer#1"]


@pytest.mark.parametrize(("until", "passed_at"), [(None, 5), (5, 5), (8, 8)])
def test_a_request_that_nobody_answers_ends_at_its_deadline(until: int | None, passed_at: int):
    async def asker(port: Port) -> None:
        await port.sleep_until(5)
        with pytest.raises(DeadlinePassed, match=r"nobody replied to Question a\.asker#1 on question\.hall"):
            await port.request(Question("hall"), Answer, until=until)
        assert port.now == passed_at
        port.publish(Note("hall", "gave-up"))

    assert len(run_components({"a.asker": asker}, stop=10).of(Note)) == 1


def test_a_reply_at_the_deadline_is_too_late_and_wakes_nobody():
    async def asker(port: Port) -> None:
        with pytest.raises(DeadlinePassed):
            await port.request(Question("hall"), Answer, until=5)
        with pytest.raises(DeadlinePassed):
            await port.request(Question("shed"), Answer, until=7)
        port.publish(Note("hall", "done"))

    async def slow(port: Port) -> None:
        envelope = await port.subscribe(Question, room="hall").receive_envelope()
        await port.sleep_until(5)
        port.publish(Answer("hall"), reply_to=envelope)

    assert len(run_components({"a.asker": asker, "b.slow": slow}, stop=10).of(Note)) == 1


def test_a_second_reply_goes_nowhere():
    async def asker(port: Port) -> None:
        await port.request(Question("hall"), Answer)
        with pytest.raises(DeadlinePassed):
            await port.request(Question("other"), Answer)
        port.publish(Note("hall", "done"))

    async def eager(port: Port) -> None:
        envelope = await port.subscribe(Question, room="hall").receive_envelope()
        for _ in range(3):
            port.publish(Answer("hall"), reply_to=envelope)

    assert len(run_components({"a.asker": asker, "b.eager": eager}, stop=10).of(Note)) == 1


def test_a_reply_of_another_class_is_the_repliers_fault():
    async def asker(port: Port) -> None:
        with pytest.raises(PeerError, match=r"b\.wrong replied to Question .* with Note"):
            await port.request(Question("hall"), Answer)
        port.publish(Note("hall", "done"))

    async def wrong(port: Port) -> None:
        envelope = await port.subscribe(Question).receive_envelope()
        port.publish(Note("hall", "nonsense"), reply_to=envelope)

    assert len(run_components({"a.asker": asker, "b.wrong": wrong}, stop=1).of(Note)) == 2


def test_two_activities_may_have_requests_open_and_each_gets_its_own_answer():
    async def ask(port: Port, room: str) -> None:
        answer = await port.request(Question(room), Answer, until=9)
        port.publish(Note(answer.room, room))

    async def asker(port: Port) -> None:
        port.start(ask(port, "hall"))
        await ask(port, "shed")

    async def answerer(port: Port) -> None:
        async with port.subscribe(Question) as questions:
            envelopes = [await questions.receive_envelope() for _ in range(2)]
        for number, envelope in enumerate(reversed(envelopes), start=1):
            await port.sleep_until(number)
            port.publish(Answer(envelope.message.room), reply_to=envelope)

    notes = run_components({"a.asker": asker, "b.answerer": answerer}, stop=10).of(Note)

    assert sorted(note.room for note in notes) == ["hall", "shed"]
    assert all(note.room == note.title for note in notes)


# Receiving


def test_receive_gives_up_at_its_deadline_and_the_subscription_lives_on():
    async def listener(port: Port) -> None:
        notes = port.subscribe(Note)
        with pytest.raises(DeadlinePassed, match=r"a\.listener had no message on note\.\*\.\* by 3 ns"):
            await notes.receive(until=3)
        assert port.now == 3
        assert (await notes.receive(until=9)).number == 5
        assert port.now == 5
        await port.sleep_until(10)
        port.publish(State("hall"))

    async def speaker(port: Port) -> None:
        await port.sleep_until(5)
        port.publish(Note("hall", "x", 5))

    assert len(run_components({"a.listener": listener, "b.speaker": speaker}, stop=20).of(State)) == 1


def test_collect_is_half_open():
    async def speaker(port: Port) -> None:
        for instant in range(8):
            await port.sleep_until(instant)
            port.publish(Note("hall", "x", instant))

    collected: list[list[int]] = []

    async def listener(port: Port) -> None:
        notes = port.subscribe(Note)
        for until in (3, 3, 6):
            collected.append([note.number for note in await notes.collect(until=until)])
            assert port.now == until

    run_components({"b.speaker": speaker, "a.listener": listener}, stop=10)

    # The second call is over before the speaker wakes at instant 3: a deadline comes first in its instant.
    assert collected == [[0, 1, 2], [], [3, 4, 5]]


def test_collect_begins_with_what_is_there_already():
    async def listener(port: Port) -> None:
        notes = port.subscribe(Note)
        await port.sleep_until(2)
        assert [note.number for note in await notes.collect(until=3)] == [1, 2]

    async def speaker(port: Port) -> None:
        for instant in (1, 2):
            await port.sleep_until(instant)
            port.publish(Note("hall", "x", instant))

    run_components({"a.listener": listener, "b.speaker": speaker}, stop=10)


@pytest.mark.parametrize("method", ["receive", "receive_envelope", "collect"])
def test_two_activities_cannot_wait_on_one_subscription(method: str):
    async def main(port: Port) -> None:
        notes = port.subscribe(Note)

        async def side() -> None:
            await getattr(notes, method)(until=5)

        port.start(side())
        await notes.receive()

    with pytest.raises(ComponentError, match=r"two activities of a\.x wait on one subscription"):
        run_components({"a.x": main}, stop=10)


def test_a_closed_subscription_receives_nothing_and_leaves_the_bus():
    async def listener(port: Port) -> None:
        async with port.subscribe(Note, "state.>") as inside:
            await port.sleep_until(1)
            assert port.kernel.bus.statistics().subscriptions == 1
            assert inside.statistics().pending == 1
        assert port.kernel.bus.statistics().subscriptions == 0
        assert inside.statistics().pending == 0
        inside.close()
        await port.sleep_until(9)
        assert inside.take_waiting() == []
        assert port.kernel.bus.statistics().subscriptions == 0
        assert port.subscriptions == ()

    async def speaker(port: Port) -> None:
        for instant in (0, 5):
            await port.sleep_until(instant)
            port.publish(Note("hall", "x"))

    run_components({"a.listener": listener, "b.speaker": speaker}, stop=10)


def test_a_component_hears_itself():
    async def main(port: Port) -> None:
        notes = port.subscribe(Note)
        port.publish(Note("hall", "x", 7))
        assert (await notes.receive()).number == 7
        port.publish(State("hall"))

    assert len(run_components({"a.x": main}, stop=1).of(State)) == 1


# Mailboxes


@given(
    st.integers(1, 5),
    st.sampled_from(["drop_oldest", "drop_newest"]),
    st.lists(st.one_of(st.integers(1, 4), st.just("take"), st.just("receive")), max_size=12),
)
@settings(max_examples=80, deadline=None)
def test_a_full_mailbox_drops_the_oldest_or_newest_and_counts(limit: int, rule: str, plan: list[object]):
    """Against a plain list that is cut at its limit."""

    async def main(port: Port) -> None:
        notes = port.subscribe(Note, limit=limit, overflow=rule)  # type: ignore[arg-type]
        model: list[int] = []
        dropped = number = 0
        for act in plan:
            if act == "take":
                assert [note.number for note in notes.take_waiting()] == model
                model = []
            elif act == "receive":
                if model:
                    assert (await notes.receive()).number == model.pop(0)
            else:
                assert isinstance(act, int)
                for _ in range(act):
                    number += 1
                    port.publish(Note("hall", "x", number))
                    model.append(number)
                await port.sleep_until(port.now + 1)
                excess = max(len(model) - limit, 0)
                dropped += excess
                model = model[excess:] if rule == "drop_oldest" else model[:limit]
            statistics = notes.statistics()
            assert (statistics.pending, statistics.dropped) == (len(model), dropped)
            assert statistics.patterns == ("note.*.*",)

    run_components({"a.x": main}, stop=100)


def test_a_full_mailbox_ends_the_run_unless_a_rule_says_otherwise():
    async def main(port: Port) -> None:
        port.subscribe(Note, limit=2)
        for number in range(3):
            port.publish(Note("hall", "x", number))

    with pytest.raises(MailboxOverflow, match=r"a\.x failed .* already holds 2 messages") as caught:
        run_components({"a.x": main}, stop=1)

    assert caught.value.limit == 2
    assert caught.value.address == "a.x"
    assert caught.value.envelope is not None
    assert caught.value.envelope.message == Note("hall", "x", 2)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"limit": 0}, "limit of at least 1, got 0"),
        ({"overflow": "drop"}, "one of error, drop_oldest, drop_newest; got 'drop'"),
    ],
)
def test_a_mailbox_that_cannot_work_is_refused(options: dict[str, object], text: str):
    async def main(port: Port) -> None:
        port.subscribe(Note, **options)  # type: ignore[call-overload]

    with pytest.raises(ComponentError, match=text):
        run_components({"a.x": main}, stop=1)


# Time and rest


def test_sleep_in_the_past_is_an_error_that_says_when_it_is():
    async def main(port: Port) -> None:
        await port.sleep_until(5)
        await port.sleep_until(4)

    with pytest.raises(ComponentError, match=r"a\.x wants to wake at 4 ns, but it is 5 ns already"):
        run_components({"a.x": main}, stop=10)


def test_the_stop_is_included_and_nothing_comes_after_it():
    async def main(port: Port) -> None:
        for instant in range(20):
            await port.sleep_until(instant)
            port.publish(Note("hall", "x", instant))

    assert [note.number for note in run_components({"a.x": main}, stop=7).of(Note)] == list(range(8))


def ball_players() -> dict[str, object]:
    async def ping(port: Port) -> None:
        states = port.subscribe(State)
        port.publish(Note("hall", "ball"))
        async for _ in states:
            port.publish(Note("hall", "ball"))

    async def pong(port: Port) -> None:
        async for _ in port.subscribe(Note):
            port.publish(State("hall"))

    return {"a.ping": ping, "b.pong": pong}


def test_an_endless_exchange_names_its_topics():
    with pytest.raises(EndlessExchange, match="still publishing after 50 rounds") as even:
        run_components(ball_players(), stop=1, round_limit=50)  # type: ignore[arg-type]
    with pytest.raises(EndlessExchange) as odd:
        run_components(ball_players(), stop=1, round_limit=51)  # type: ignore[arg-type]

    assert {*even.value.topics, *odd.value.topics} == {"note.hall.ball", "state.hall"}
    assert (even.value.rounds, even.value.instant) == (50, 0)


def test_a_component_that_wakes_again_and_again_in_one_instant_is_endless():
    async def main(port: Port) -> None:
        while True:
            await port.sleep_until(port.now)

    with pytest.raises(EndlessExchange) as caught:
        run_components({"a.x": main}, stop=1, round_limit=50)

    assert caught.value.topics == ("a.x",)


@pytest.mark.parametrize(("limit", "endless"), [(1, True), (3, True), (4, False), (5, False)])
def test_an_exchange_of_as_many_rounds_as_the_limit_is_not_endless(limit: int, endless: bool):
    async def main(port: Port) -> None:
        notes = port.subscribe(Note)
        port.publish(Note("hall", "x", 2))
        while (note := await notes.receive()).number:
            port.publish(Note("hall", "x", note.number - 1))

    if endless:
        with pytest.raises(EndlessExchange):
            run_components({"a.x": main}, stop=1, round_limit=limit)
    else:
        assert len(run_components({"a.x": main}, stop=1, round_limit=limit).of(Note)) == 3


# Statistics


@given(st.lists(st.sampled_from(["note", "state"]), max_size=10), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_bus_counts_what_passes(kinds: list[str], listeners: int):
    async def speaker(port: Port) -> None:
        for kind in kinds:
            port.publish(Note("hall", "x") if kind == "note" else State("hall"))
        await port.sleep_until(2)
        statistics = port.kernel.bus.statistics()
        assert statistics.published == len(kinds)
        assert statistics.delivered == kinds.count("note") * listeners
        assert statistics.published_by_message == {k: kinds.count(k) for k in sorted(set(kinds))}
        assert statistics.subscriptions == listeners
        assert statistics.retained == ("state" in kinds)

    async def listener(port: Port) -> None:
        port.subscribe(Note)
        await port.sleep_until(3)

    run_components({"z.speaker": speaker} | {f"a.{n}": listener for n in range(listeners)}, stop=5)


def test_random_numbers_are_each_components_own_and_depend_on_the_seed():
    def drawn(seed: int) -> dict[str, list[float]]:
        draws: dict[str, list[float]] = {}

        async def main(port: Port) -> None:
            draws[port.address] = [port.random.random() for _ in range(3)]

        run_components({"a.x": main, "a.y": main}, stop=1, seed=seed)
        return draws

    assert drawn(1) == drawn(1)
    assert drawn(1)["a.x"] != drawn(1)["a.y"]
    assert drawn(1)["a.x"] != drawn(2)["a.x"]
