"""What an installation stores, asks and costs in a month: formulas that anybody can follow, prices in a file."""

from warehouse.capacity.errors import PricesRefused
from warehouse.capacity.model import Demand, Line, Model, estimate
from warehouse.capacity.prices import Prices, load_prices

__all__ = ["Demand", "Line", "Model", "Prices", "PricesRefused", "estimate", "load_prices"]
