"""What most codecs write their answers with."""

from __future__ import annotations

import time

from chat_tui.core.events import ToolArgumentsDelta, ToolCallEnded, ToolCallStarted
from chat_tui.wire.answer_writer import AnswerWriter


def seconds_per_piece(pieces: int) -> float:
    writer = AnswerWriter()
    key = writer.start_call("c", "write_file")
    begun_s = time.process_time()
    for _ in range(pieces):
        writer.add_arguments(key, "abcd")
        writer.take()
    return (time.process_time() - begun_s) / pieces


def test_a_piece_of_long_arguments_costs_what_one_of_short_ones_does() -> None:
    seconds_per_piece(1000)
    assert seconds_per_piece(80_000) < 8 * seconds_per_piece(10_000)


def test_the_pieces_of_a_call_are_joined_at_its_end() -> None:
    writer = AnswerWriter()
    key = writer.start_call("c", "add")
    assert not writer.has_arguments(key)
    writer.add_arguments(key, '{"a"')
    writer.add_arguments(key, ": 1}")
    assert (writer.has_arguments(key), writer.arguments_of(key)) == (True, '{"a": 1}')
    writer.end_call(key)
    writer.add_arguments(key, "late")
    assert writer.take() == (
        ToolCallStarted(key, "c", "add"),
        ToolArgumentsDelta(key, '{"a"'),
        ToolArgumentsDelta(key, ": 1}"),
        ToolCallEnded(key, '{"a": 1}'),
    )
