"""Where median incomes come from: the project's own table, or the Census itself."""

from circuitos import CalloutException, CircuitDB, CircuitHTTP, CircuitLog

from classes.income import parse_income

_ADDRESS = "https://api.census.gov/data/2023/acs/acs5"
_MEDIAN_HOUSEHOLD_INCOME = "B19013_001E"


class CensusAPI:
    """Median household income by ZIP area.

    With `LIVE` the Census answers, one callout for all areas; otherwise the table ZipIncome, one query. Tests
    put a mock in this class's place.
    """

    LIVE = False

    @classmethod
    def get_median_income(cls, zip_code):
        """Dollars a year in one area, or None."""
        return cls._look_up([zip_code]).get(zip_code)

    @classmethod
    def get_median_incomes(cls, zip_codes):
        """Dollars a year by area; areas whose income is not known are left out."""
        return cls._look_up(sorted(set(zip_codes)))

    @classmethod
    def _look_up(cls, zip_codes):
        found = cls._from_census(zip_codes) if cls.LIVE else cls._from_table(zip_codes)
        incomes = {area: parse_income(text) for area, text in found}
        return {area: income for area, income in incomes.items() if income is not None}

    @staticmethod
    def _from_table(zip_codes):
        rows = CircuitDB.query("SELECT zip, median_income FROM ZipIncome WHERE zip IN :zip_codes", zip_codes=zip_codes)
        return [(row.zip, row.median_income) for row in rows]

    @staticmethod
    def _from_census(zip_codes):
        """An empty answer when the Census is down: leads are scored without a location, and again later."""
        areas = "zip code tabulation area:" + ",".join(zip_codes)
        try:
            answer = CircuitHTTP.get(_ADDRESS, params={"get": _MEDIAN_HOUSEHOLD_INCOME, "for": areas})
            rows = answer.json() if answer.status_code == 200 else []
            return [(row[-1], row[0]) for row in rows[1:]]
        except (CalloutException, ValueError, TypeError, LookupError) as error:
            CircuitLog.warn("The Census did not answer; scoring without incomes", {"error": repr(error)})
            return []
