"""A lake's files held against what names them: torn, missing, orphaned and foreign ones, and how they are mended."""

from pipelines.lake_examination.examining import Examined, examine_lake
from pipelines.lake_examination.finding import MEANINGS, QUARANTINE, Fault, Finding

__all__ = ["MEANINGS", "QUARANTINE", "Examined", "Fault", "Finding", "examine_lake"]
