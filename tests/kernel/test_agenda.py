"""The agenda against a sorted list."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel.agenda import Agenda

pushes = st.tuples(st.just("push"), st.integers(0, 3), st.integers(-1, 1))
cancels = st.tuples(st.just("cancel"), st.integers(0, 50))
forgets = st.tuples(st.just("forget"), st.integers(0, 50))
pops = st.tuples(st.just("pop"), st.booleans())


@given(st.lists(st.one_of(pushes, pushes, cancels, forgets, pops), max_size=30))
def test_the_agenda_is_a_sorted_list(commands: list[Any]):
    agenda = Agenda()
    model: list[tuple[int, int, int]] = []
    wakes: list[Any] = []
    for command, *arguments in commands:
        if command == "push":
            number = len(wakes)
            wakes.append(agenda.push(*arguments, f"activity {number % 5}"))  # type: ignore[arg-type]
            model = sorted([*model, (*arguments, number)])
        elif command == "cancel":
            number = arguments[0]
            if number < len(wakes):
                wakes[number].activity = None
                model = [entry for entry in model if entry[2] != number]
        elif command == "forget":
            number = arguments[0] % 5
            for wake in wakes:
                if wake.activity == f"activity {number}":
                    agenda.forget(wake.activity)
                    break
            model = [entry for entry in model if entry[2] % 5 != number]
        else:
            now = model[0][0] if model and arguments[0] else 9
            priority = model[0][1] if model else 0
            due = [entry for entry in model if entry[:2] == model[0][:2]] if model and model[0][0] == now else []
            model = [entry for entry in model if entry not in due]
            assert agenda.pop_due(now, priority) == [f"activity {entry[2] % 5}" for entry in due]
        assert agenda.due() == (model[0][:2] if model else None)
