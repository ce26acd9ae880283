"""What people and pipelines read of a run: pure functions of its records, so that an old run still renders."""

from biztoken.reporting.comparison import print_comparison, render_comparison
from biztoken.reporting.load_progress import LoadProgress
from biztoken.reporting.progress import Progress
from biztoken.reporting.render import render
from biztoken.reporting.result import read_result, write_result
from biztoken.reporting.sentence import verdict_sentence
from biztoken.reporting.terminal import print_summary

__all__ = [
    "LoadProgress",
    "Progress",
    "print_comparison",
    "print_summary",
    "read_result",
    "render",
    "render_comparison",
    "verdict_sentence",
    "write_result",
]
