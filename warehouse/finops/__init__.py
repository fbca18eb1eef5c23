"""Money: who pays for what was used, period by period. Rows in, rows out.

Knows no API, no network and no table: `inputs.py` says what it is fed, and whoever joins the rooms feeds it.
Promise: amounts are exact decimals from the first to the last line, and every one of them has one owner.
"""
