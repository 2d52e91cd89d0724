"""Kinds of appointments, of equipment, and the states of an event: the vocabulary of the field work.

Codes of EBP are not documented: those used here are the demo's own, told in docs/demo-company.md, and decoded by seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

VISIT, REPAIR, INSTALL, SALES, CALL, MEETING, ABSENCE, MISC = range(8)
PLANNED, STARTED, DONE, CANCELLED, UNMAPPED = 0, 1, 2, 3, 9  # ScheduleEvent."EventState"
EVENT, TEAM_ROW = 0, 1  # ScheduleEvent."LineType"
WHOLE_DAY, MORNING_ONLY, AFTERNOON_ONLY = 0, 1, 2  # ScheduleEvent."AbsenceRange"
DRAWN, EMPTY = -1, -2  # in the agenda: a value still to be drawn; a value that EBP does not hold
NO_CHARGE, COVERED, WARRANTY, BILLED, LATE, ON_ROWS = range(6)  # who pays; ON_ROWS: the amount is on the team's rows
ORPHAN_CUSTOMER, ORPHAN_PIECE = 1, 2
TRAILING_SPACE, LOWER_CASE, BLANK = 1, 2, 3
NO_POINT, NO_ADDRESS, ZERO_POINT, POINT = 0, 1, 2, 3
ACHIEVED, EXPECTED = 1, 2  # hours typed in WorkedHours or PlannedHours instead of the usual columns
ACTIVITY_OTHER, ACTIVITY_CALL, ACTIVITY_MAIL, ACTIVITY_MEETING, ACTIVITY_LETTER = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Kind:
    """A row of ``ScheduleEventType``: caption, usual lengths in minutes, notice in days between request and wish."""

    caption: str
    minutes: tuple[int, ...]
    notice: int


KINDS = (
    Kind("Visite d'entretien", (60, 60, 75, 90), 30),
    Kind("Dépannage", (60, 75, 90, 120), 1),
    Kind("Pose et mise en service", (180, 240, 420), 20),
    Kind("Rendez-vous commercial", (45, 60), 7),
    Kind("Appel téléphonique", (15,), 0),
    Kind("Réunion interne", (60, 90), 14),
    Kind("Congés et absences", (420,), 60),
    Kind("Prestation diverse", (60, 120), 10),  # no keyword of any rule
)

COMPETENCES = (("ENTRET", "Entretien de chaudières"), ("DEPAN", "Dépannage"), ("POSE", "Pose et mise en service"))


@dataclass(frozen=True)
class EquipmentKind:
    """True failure law of a kind: Weibull shape and scale (days) since installation or the last repair."""

    noun: str
    shape: float
    scale_days: float
    share: float


# Nouns of items.NOUNS: what customers have at home and technicians look after.
EQUIPMENT = (
    EquipmentKind("Chaudière murale", 1.6, 900.0, 0.45),
    EquipmentKind("Circulateur", 2.2, 1500.0, 0.25),
    EquipmentKind("Vanne 3 voies", 1.2, 1900.0, 0.15),
    EquipmentKind("Radiateur acier", 1.0, 4000.0, 0.15),
)
AGE_EFFECT = 0.06  # of the logarithm of the hazard, per year since installation
MAINTAINED_FACTOR, MAINTAINED_DAYS = 0.45, 365  # hazard after a preventive visit, and for how long
WINTER_FACTOR, WINTER_MONTHS = 1.4, (11, 12, 1, 2)
FRAILTY_SIGMA = 0.4  # of the logarithm: some pieces are lemons, nobody knows which
