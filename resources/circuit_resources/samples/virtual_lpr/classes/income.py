"""Median incomes as the Census prints them."""


def parse_income(text):
    """Dollars a year, or None where the Census does not know.

    The tables print `87,450`, `250,000+` above and `2,500-` below what they tell, `-` for unknown; the API
    answers -666666666 and other large negative numbers for unknown.
    """
    if text is None:
        return None
    digits = str(text).strip().replace(",", "").replace("$", "").rstrip("+-")
    try:
        income = int(float(digits))
    except ValueError:
        return None
    return income if income > 0 else None
