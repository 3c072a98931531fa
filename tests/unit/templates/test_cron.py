"""Crontab lines as Railway runs them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import TemplateError
from railway_saas.templates.cron import CronSchedule, fault_of_cron

CYCLE_DAYS = 10_227
"""28 years, after which weekdays and leap days repeat."""


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        ("*/15 * * * *", {0, 15, 30, 45}),
        ("5 * * * *", {5}),
        ("10-30/10 * * * *", {10, 20, 30}),
        ("50/5 * * * *", {50, 55}),
        ("1,2,40-42 * * * *", {1, 2, 40, 41, 42}),
    ],
)
def test_fields_take_lists_ranges_and_steps(line: str, minutes: set[int]) -> None:
    assert CronSchedule.parse(line).minutes == minutes


def test_months_and_weekdays_have_names_and_sunday_two_numbers() -> None:
    schedule = CronSchedule.parse("0 0 * jan,MAR Mon-Wed,7")
    assert schedule.months == {1, 3}
    assert schedule.weekdays == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("line", "day", "runs"),
    [
        ("0 0 * * 1", date(2026, 6, 1), True),
        ("0 0 * * 1", date(2026, 6, 2), False),
        ("0 0 15 * *", date(2026, 6, 15), True),
        ("0 0 13 * FRI", date(2026, 6, 13), True),
        ("0 0 13 * FRI", date(2026, 6, 5), True),
        ("0 0 13 * FRI", date(2026, 6, 8), False),
        ("0 0 */2 * 1", date(2026, 6, 1), True),
        ("0 0 */2 * 1", date(2026, 6, 8), False),
        ("0 0 * 7 *", date(2026, 6, 8), False),
    ],
)
def test_a_day_matches_either_day_field_when_both_are_restricted(line: str, day: date, runs: bool) -> None:
    assert CronSchedule.parse(line).runs_on(day) is runs


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "0 fields; there must be 5"),
        ("@daily", "1 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "'60' is not a minute (0 to 59)"),
        ("0 24 * * *", "not a hour"),
        ("0 0 0 * *", "not a day of month"),
        ("0 0 * 13 *", "not a month"),
        ("0 0 * * 8", "not a day of week"),
        ("0 0 * FEB-JAN *", "runs backwards"),
        ("*/0 * * * *", "step of '*/0' is 0"),
        ("x * * * *", "'X' is not a minute"),
        ("1- * * * *", "'1-' is not a minute"),
        ("1,,2 * * * *", "'' is not a minute"),
        ("-5 * * * *", "'-5' is not a minute"),
        ("0 0 30 2 *", "never runs"),
        ("* * * * *", "1 min apart"),
        ("0,4 * * * *", "4 min apart"),
        ("58 23 * * *\t", None),
        ("2,58 0,23 * * *", "4 min apart"),
        ("1,57 * * * *", "4 min apart"),
        ("2,58 0,23 * * 1", None),
        ("2,58 0,23 * * 1,3", None),
        ("2,58 0,23 * * 1,2", "4 min apart"),
        ("*/5 * * * *", None),
        ("0 0 29 2 *", None),
    ],
)
def test_faults_are_told(line: str, says: str | None) -> None:
    fault = fault_of_cron(line)
    assert fault is None if says is None else says in (fault or "")


@pytest.mark.parametrize(
    "line", [f"{'9' * 5000} * * * *", f"*/{'9' * 5000} * * * *", f"1-{'9' * 5000} * * * *"]
)
def test_a_number_of_any_length_is_a_fault_told_briefly(line: str) -> None:
    fault = fault_of_cron(line)
    assert fault is not None
    assert "is not a minute" in fault
    assert len(fault) < 100


@given(
    st.sampled_from(["*", "1", "13", "29", "31", "*/2", "1-5", "28-31"]),
    st.sampled_from(["*", "2", "1,12", "4-6"]),
    st.sampled_from(["*", "0", "7", "1-5", "*/3"]),
)
def test_days_are_counted_as_the_calendar_goes(days: str, months: str, weekdays: str) -> None:
    schedule = CronSchedule.parse(f"0 0 {days} {months} {weekdays}")
    calendar = [date(2000, 1, 1) + timedelta(days=number) for number in range(CYCLE_DAYS)]
    runs = sum(schedule.runs_on(day) for day in calendar)
    assert schedule.runs_per_month() == Decimal(runs) * 30 / CYCLE_DAYS


@pytest.mark.parametrize(
    ("line", "runs"),
    [("0 3 * * *", "30"), ("*/5 * * * *", "8640"), ("0 0,12 * * *", "60")],
)
def test_runs_per_month_count_thirty_days(line: str, runs: str) -> None:
    assert CronSchedule.parse(line).runs_per_month() == Decimal(runs)


@given(st.text(alphabet="0123456789*/,- JANSUNx", max_size=25) | st.text())
def test_any_text_is_a_schedule_or_has_a_fault(line: str) -> None:
    if fault_of_cron(line) is not None:
        return
    gap = CronSchedule.parse(line).shortest_gap_minutes()
    assert gap is None or gap >= 5


def test_the_error_says_what_is_wrong() -> None:
    with pytest.raises(TemplateError, match="there must be 5: minute hour"):
        CronSchedule.parse("daily")
